//! What the server remembers, all of it in memory, and the rules by which it changes. Nothing here knows HTTP.

mod action;
mod assign;
mod config;
mod content;
mod report;
mod rollout;
mod rollout_steps;
mod target;
mod window;

pub(crate) use action::{Action, Kind, Row, Status};
pub(crate) use assign::{Assignment, WEIGHT};
pub(crate) use config::Configs;
pub(crate) use content::{Artifact, Contents, MODULE_TYPES, Module, SET_TYPES, Set, hex};
pub(crate) use report::{EXECUTIONS, RESULTS, Report};
pub(crate) use rollout::{Count, Group, Rollout, RolloutStatus};
pub(crate) use target::{Mode, Target};
pub(crate) use window::{Window, civil};

use std::collections::BTreeMap;
use std::time::Instant;

/// The most rows that an action may have before reports are refused.
pub(crate) const MAX_ROWS: usize = 1000;
/// The most messages of one row.
pub(crate) const MAX_MESSAGES: usize = 50;
/// The most attributes of a target.
pub(crate) const MAX_ATTRIBUTES: usize = 100;

/// Everything that the server remembers.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The devices, by their ids.
    pub(crate) targets: BTreeMap<String, Target>,
    /// The orders.
    pub(crate) actions: BTreeMap<u64, Action>,
    /// Software modules and distribution sets.
    pub(crate) contents: Contents,
    /// Rollouts.
    pub(crate) rollouts: BTreeMap<u64, Rollout>,
    /// The tenant's settings.
    pub(crate) configs: Configs,
    /// Something has changed that rollouts may wait for.
    unsettled: bool,
    stepped: Option<Instant>,
    rows: u64,
    next_action: u64,
    next_target: u64,
    next_rollout: u64,
    next_group: u64,
}

/// Why the server does not do what it was asked to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// There is no such thing.
    Unknown(&'static str),
    /// There is one already.
    Exists(&'static str),
    /// Too many: a quota.
    TooMany(&'static str),
    /// Nothing that could be canceled.
    NotCancelable,
    /// Nothing that could be force-quit.
    NotForceQuitable,
    /// A module, or set, that was assigned may not change.
    Locked,
    /// The rollout is not in a state for it.
    WrongState,
    /// The order is over.
    Over,
    /// It is of no use as it is.
    Invalid(&'static str),
}

impl Store {
    /// A device, or that there is none.
    pub(crate) fn target(&self, id: &str) -> Result<&Target, Denied> {
        self.targets.get(id).ok_or(Denied::Unknown("Target"))
    }

    /// A device, to change it.
    pub(crate) fn target_mut(&mut self, id: &str) -> Result<&mut Target, Denied> {
        self.targets.get_mut(id).ok_or(Denied::Unknown("Target"))
    }

    /// An order of that device.
    pub(crate) fn action_of(&self, target: &str, id: u64) -> Result<&Action, Denied> {
        self.target(target)?;
        self.actions.get(&id).filter(|action| action.target == target).ok_or(Denied::Unknown("Action"))
    }

    /// An order, to change it.
    pub(crate) fn action_mut(&mut self, id: u64) -> Result<&mut Action, Denied> {
        self.unsettled = true;
        self.actions.get_mut(&id).ok_or(Denied::Unknown("Action"))
    }

    /// The device's orders, the oldest first.
    pub(crate) fn actions_of<'s>(&'s self, target: &Target) -> impl DoubleEndedIterator<Item = &'s Action> {
        let ids: Vec<u64> = target.actions.clone();
        ids.into_iter().filter_map(|id| self.actions.get(&id))
    }

    /// Which of a device's orders is offered: of those that are open the oldest, unless a younger one weighs more.
    pub(crate) fn due(&self, target: &Target) -> Option<&Action> {
        self.actions_of(target)
            .filter(|action| action.active)
            .min_by_key(|action| (std::cmp::Reverse(action.weight), action.id))
    }

    /// The order by which a device's installed set came to it: none any more once it was taken up again.
    pub(crate) fn installed(&self, target: &Target) -> Option<&Action> {
        let set = target.installed?;
        self.actions_of(target).rev().find(|action| action.set == set && action.status == Status::Finished)
    }

    /// Writes a row to an order.
    pub(crate) fn add_row(&mut self, id: u64, row: Row) {
        self.rows += 1;
        let number = self.rows;
        if let Some(action) = self.actions.get_mut(&id) {
            action.rows.push(Row { id: number, ..row });
        }
    }

    fn next_action(&mut self) -> u64 {
        self.next_action += 1;
        self.next_action
    }
}
