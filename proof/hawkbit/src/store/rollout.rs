//! Rollouts: one set to many devices, group by group.

use super::Store;

/// A group of a rollout's devices.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) targets: Vec<String>,
}

/// A rollout.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) groups: Vec<Group>,
}

impl Store {
    /// Lets rollouts go on.
    pub(crate) fn step_rollouts(&mut self, _: u64) {}
}
