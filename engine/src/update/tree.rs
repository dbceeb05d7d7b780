//! The step of an update that makes a tree of files.

use super::prepared::PreparedSlot;
use crate::error::Error;
use crate::event::Step as Phase;
use crate::machine::{Machine, Place};
use crate::steps::{About, Done, Step, Work};
use crate::tree;
use drydock_state::{SetName, SetStatus};

/// Makes the target set's tree of the image that is in its slot.
pub(super) struct MakeTree<'p> {
    pub(super) slot: &'p PreparedSlot,
    pub(super) target: SetName,
}

impl<M: Machine> Step<M> for MakeTree<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Write,
            what: format!("the tree of `{}` for set {}", self.slot.plan.class.class, self.target),
            why: "the set gets the files of its release, and what the device keeps beside them",
            needs: "the slot was read back, and the tree of the set that runs stays as it is",
            durable: "the set's tree, whole and under its name",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let (machine, image) = (work.machine, &self.slot.plan.image);
        let made = tree::make(machine, Place::Data, self.target, &self.slot.device, image);
        match made {
            Ok(()) => Ok(Done::Told(format!("the tree of `{}` for set {}", image.class, self.target))),
            Err(error) if !machine.config().tree(&image.class).required => {
                Ok(Done::Skipped(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }
}

/// Carries files of the old root over to the target set.
pub(super) struct CarryOver<'p> {
    pub(super) slot: &'p PreparedSlot,
    pub(super) target: SetName,
}

impl<M: Machine> Step<M> for CarryOver<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Write,
            what: format!("what is carried over to set {}", self.target),
            why: "the new root has what the device keeps of the old one",
            needs: "the slot was read back, and what the old set has stays as it is",
            durable: "the files that are carried, whole and under the set's name",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let (machine, plan) = (work.machine, &self.slot.plan);
        let good = work.state.record.sets.get(self.target.other()).status == SetStatus::Good;
        let count = tree::carry(machine, &plan.class, self.target, &plan.image, good)?;
        Ok(Done::Told(format!("{count} files and folders are carried over to set {}", self.target)))
    }
}
