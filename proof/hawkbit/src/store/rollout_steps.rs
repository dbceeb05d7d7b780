//! What hawkBit's scheduler does with rollouts once in a while: the next group begins, or nothing does any more.

use super::rollout::{Group, GroupStatus, Rollout, RolloutStatus};
use super::{Denied, Status, Store};
use std::time::{Duration, Instant};

/// How long rollouts are left alone while nobody looks at them.
const MOMENT: Duration = Duration::from_millis(300);

impl Store {
    /// Lets rollouts go on, if anything has changed since the last time. Where nobody looks at them they are left alone for a moment:
    /// with many devices it would be all that the server does.
    pub(crate) fn step_rollouts(&mut self, now: u64, looked_at: bool) {
        let due = |rollout: &Rollout| {
            rollout.status == RolloutStatus::Ready && rollout.start_at.is_some_and(|at| at <= now)
        };
        for rollout in self.rollouts.values_mut().filter(|rollout| due(rollout)) {
            rollout.status = RolloutStatus::Starting;
            self.unsettled = true;
        }
        let lately = self.stepped.is_some_and(|at| at.elapsed() < MOMENT);
        if !self.unsettled || (lately && !looked_at) {
            return;
        }
        self.stepped = Some(Instant::now());
        let before = self.rollout_states();
        let ids: Vec<u64> = self.rollouts.keys().copied().collect();
        for id in ids {
            // A rollout that can't go on stays as it is: so does hawkBit's.
            let _ = self.step_rollout(id, now);
        }
        self.unsettled = before != self.rollout_states();
    }

    fn rollout_states(&self) -> Vec<(RolloutStatus, Vec<GroupStatus>)> {
        let groups = |rollout: &Rollout| rollout.groups.iter().map(|group| group.status).collect();
        self.rollouts.values().map(|rollout| (rollout.status, groups(rollout))).collect()
    }

    fn step_rollout(&mut self, id: u64, now: u64) -> Result<(), Denied> {
        match self.rollout(id)?.status {
            RolloutStatus::Creating => {
                self.set_groups(id, GroupStatus::Ready);
                self.set_status(id, RolloutStatus::Ready);
            }
            RolloutStatus::Starting => {
                self.schedule(id, now)?;
                self.begin_next(id, now)?;
                self.set_status(id, RolloutStatus::Running);
            }
            RolloutStatus::Running => self.look_after(id, now)?,
            _ => {}
        }
        Ok(())
    }

    fn set_status(&mut self, id: u64, status: RolloutStatus) {
        if let Some(rollout) = self.rollouts.get_mut(&id) {
            rollout.status = status;
        }
    }

    fn set_groups(&mut self, id: u64, status: GroupStatus) {
        for group in self.rollouts.get_mut(&id).into_iter().flat_map(|rollout| &mut rollout.groups) {
            group.status = status;
        }
    }

    fn group_mut(&mut self, id: u64, group: u64) -> Option<&mut Group> {
        self.rollouts.get_mut(&id)?.groups.iter_mut().find(|known| known.id == group)
    }

    /// All orders are there from the start, and none of them has begun.
    fn schedule(&mut self, id: u64, now: u64) -> Result<(), Denied> {
        let rollout = self.rollout(id)?.clone();
        let assignment = Self::assignment_of(&rollout);
        for group in &rollout.groups {
            let mut actions = vec![];
            for target in &group.targets {
                // It may have been deleted since.
                actions.extend(self.new_action(target, &assignment, Some((id, group.id)), now).ok());
            }
            if let Some(group) = self.group_mut(id, group.id) {
                (group.actions, group.status) = (actions, GroupStatus::Scheduled);
            }
        }
        Ok(())
    }

    /// The first group that waits begins.
    pub(crate) fn begin_next(&mut self, id: u64, now: u64) -> Result<(), Denied> {
        let rollout = self.rollout(id)?.clone();
        let next = rollout.groups.iter().find(|group| group.status == GroupStatus::Scheduled);
        let next = next.ok_or(Denied::WrongState)?;
        for number in next.actions.clone() {
            let Some(action) = self.actions.get(&number) else { continue };
            let target = action.target.clone();
            if self.target(&target)?.assigned == Some(rollout.set) {
                // The device is to have it already.
                let action = self.action_mut(number)?;
                action.status = Status::Finished;
                continue;
            }
            self.supersede(&target, now)?;
            let why = format!("ordered by rollout '{}', '{}'", rollout.name, next.name);
            self.open(number, rollout.confirmation, why, now)?;
        }
        if let Some(group) = self.group_mut(id, next.id) {
            group.status = GroupStatus::Running;
        }
        Ok(())
    }

    fn look_after(&mut self, id: u64, now: u64) -> Result<(), Denied> {
        let rollout = self.rollout(id)?.clone();
        let running = rollout.groups.iter().filter(|group| group.status == GroupStatus::Running);
        let running: Vec<&Group> = running.collect();
        if running.is_empty() {
            // The last one has failed, and somebody has resumed the rollout: the next one begins nevertheless.
            self.begin_next(id, now)?;
        }
        for (at, group) in running.iter().enumerate() {
            let count = self.count(&rollout, group);
            let all = group.targets.len();
            if all > 0 && rollout.error.is_some_and(|most| count.error * 100 > most as usize * all) {
                // The devices of the group that have the order already go on.
                if let Some(group) = self.group_mut(id, group.id) {
                    group.status = GroupStatus::Error;
                }
                self.set_status(id, RolloutStatus::Paused);
                continue;
            }
            let last = at + 1 == running.len();
            if last && count.finished * 100 >= rollout.success as usize * all {
                // There may be no next one.
                let _ = self.begin_next(id, now);
            }
            if count.running + count.scheduled + count.not_started == 0
                && let Some(group) = self.group_mut(id, group.id)
            {
                group.status = GroupStatus::Finished;
            }
        }
        let left = |group: &Group| matches!(group.status, GroupStatus::Running | GroupStatus::Scheduled);
        // Also where the last one has just failed.
        if !self.rollout(id)?.groups.iter().any(left) {
            self.set_status(id, RolloutStatus::Finished);
        }
        Ok(())
    }
}
