//! Rollouts: one set to many devices, group by group.

use super::{Assignment, Denied, Kind, Status, Store};
use std::ops::Range;

/// A state of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RolloutStatus {
    Creating,
    Ready,
    Starting,
    Running,
    Paused,
    Stopped,
    Finished,
    Deleted,
}

impl RolloutStatus {
    /// As the management API writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
            Self::Deleted => "deleted",
        }
    }
}

/// A state of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupStatus {
    Creating,
    Ready,
    Scheduled,
    Running,
    Error,
    Finished,
}

impl GroupStatus {
    /// As the management API writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Error => "error",
            Self::Finished => "finished",
        }
    }
}

/// A group of a rollout's devices.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) status: GroupStatus,
    pub(crate) targets: Vec<String>,
    pub(crate) actions: Vec<u64>,
}

/// A rollout.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The search for the devices.
    pub(crate) search: String,
    pub(crate) set: u64,
    pub(crate) kind: Kind,
    pub(crate) weight: u32,
    pub(crate) confirmation: bool,
    /// The next group begins when so many per cent of one have succeeded.
    pub(crate) success: u32,
    /// The rollout pauses when more than so many per cent of a group have failed. `None` if it never does.
    pub(crate) error: Option<u32>,
    pub(crate) status: RolloutStatus,
    pub(crate) start_at: Option<u64>,
    pub(crate) groups: Vec<Group>,
    pub(crate) created: u64,
}

/// How many of a group's devices are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) not_started: usize,
    pub(crate) scheduled: usize,
    pub(crate) running: usize,
    pub(crate) error: usize,
    pub(crate) finished: usize,
    pub(crate) canceled: usize,
}

impl Count {
    /// With those of another group.
    pub(crate) fn add(&mut self, other: Self) {
        self.not_started += other.not_started;
        self.scheduled += other.scheduled;
        self.running += other.running;
        self.error += other.error;
        self.finished += other.finished;
        self.canceled += other.canceled;
    }
}

impl Store {
    /// Makes a rollout of these devices. Returns its number.
    pub(crate) fn add_rollout(
        &mut self,
        rollout: Rollout,
        targets: Vec<String>,
        groups: usize,
    ) -> Result<u64, Denied> {
        let set = self.contents.set(rollout.set)?;
        if !self.contents.is_complete(set) {
            return Err(Denied::Invalid("incomplete"));
        }
        if targets.is_empty() || groups == 0 {
            return Err(Denied::Invalid("rollout"));
        }
        let known = self.rollouts.values().filter(|known| known.status != RolloutStatus::Deleted);
        if known.into_iter().any(|known| known.name == rollout.name) {
            return Err(Denied::Exists("Rollout"));
        }
        self.contents.lock(rollout.set);
        self.next_rollout += 1;
        let id = self.next_rollout;
        let groups = shares(targets.len(), groups).into_iter().enumerate().map(|(number, share)| {
            self.next_group += 1;
            Group {
                id: self.next_group,
                name: format!("group-{}", number + 1),
                status: GroupStatus::Creating,
                targets: targets.get(share).unwrap_or_default().to_vec(),
                actions: vec![],
            }
        });
        let groups = groups.collect();
        self.rollouts.insert(id, Rollout { id, groups, ..rollout });
        self.unsettled = true;
        Ok(id)
    }

    /// A rollout, or that there is none.
    pub(crate) fn rollout(&self, id: u64) -> Result<&Rollout, Denied> {
        self.rollouts.get(&id).ok_or(Denied::Unknown("Rollout"))
    }

    /// Brings a rollout from one state to another.
    pub(crate) fn turn_rollout(
        &mut self,
        id: u64,
        from: &[RolloutStatus],
        to: RolloutStatus,
    ) -> Result<(), Denied> {
        let rollout = self.rollouts.get_mut(&id).ok_or(Denied::Unknown("Rollout"))?;
        if !from.contains(&rollout.status) {
            return Err(Denied::WrongState);
        }
        rollout.status = to;
        self.unsettled = true;
        Ok(())
    }

    /// Ends a rollout: what waits is forgotten, and what runs is to be canceled. A rollout of which nothing has begun is forgotten.
    pub(crate) fn end_rollout(&mut self, id: u64, delete: bool, now: u64) -> Result<(), Denied> {
        let rollout = self.rollout(id)?;
        let actions: Vec<u64> = rollout.groups.iter().flat_map(|group| group.actions.clone()).collect();
        let mut begun = false;
        for number in actions {
            match self.actions.get(&number) {
                Some(action) if action.status == Status::Scheduled => self.delete_action(number)?,
                Some(action) if action.active => {
                    begun = true;
                    if !action.is_canceling_or_canceled() {
                        self.cancel(number, now)?;
                    }
                    if delete {
                        self.force_quit(number, now)?;
                    }
                }
                Some(_) => begun = true,
                None => {}
            }
        }
        if delete && !begun {
            self.rollouts.remove(&id);
            return Ok(());
        }
        if let Some(rollout) = self.rollouts.get_mut(&id) {
            rollout.status = if delete { RolloutStatus::Deleted } else { RolloutStatus::Stopped };
            for group in &mut rollout.groups {
                if group.status != GroupStatus::Error {
                    group.status = GroupStatus::Finished;
                }
            }
        }
        Ok(())
    }

    /// Where a group's devices are.
    pub(crate) fn count(&self, rollout: &Rollout, group: &Group) -> Count {
        let mut count = Count { not_started: group.targets.len(), ..Count::default() };
        for action in group.actions.iter().filter_map(|id| self.actions.get(id)) {
            count.not_started = count.not_started.saturating_sub(1);
            match action.status {
                Status::Scheduled => count.scheduled += 1,
                Status::Error => count.error += 1,
                Status::Finished => count.finished += 1,
                Status::Canceled => count.canceled += 1,
                Status::Downloaded if rollout.kind == Kind::DownloadOnly => count.finished += 1,
                _ => count.running += 1,
            }
        }
        count
    }

    /// What a rollout orders.
    pub(super) fn assignment_of(rollout: &Rollout) -> Assignment {
        Assignment {
            set: rollout.set,
            kind: rollout.kind,
            window: None,
            weight: rollout.weight,
            confirmation: rollout.confirmation,
        }
    }
}

/// Cuts so many devices into groups: each gets its part of what the ones before it have left, to the nearest whole number.
fn shares(devices: usize, groups: usize) -> Vec<Range<usize>> {
    let mut start = 0;
    (0..groups)
        .map(|number| {
            let left = groups - number;
            let share = (2 * (devices - start) + left) / (2 * left);
            start += share;
            start - share..start
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_cut_into_groups_of_about_the_same_size() {
        assert_eq!(shares(4, 2), [0..2, 2..4]);
        assert_eq!(shares(5, 3), [0..2, 2..4, 4..5]);
        assert_eq!(shares(10, 3), [0..3, 3..7, 7..10]);
        assert_eq!(shares(1, 2), [0..1, 1..1]);
    }
}
