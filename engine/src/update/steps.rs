//! The steps of an update, in the order that makes it safe to cut anywhere and to run again.

use super::prepared::{Prepared, PreparedSlot};
use crate::asked::{self, Asked};
use crate::error::Error;
use crate::event::Step as Phase;
use crate::machine::Machine;
use crate::state::State;
use crate::steps::{About, Done, Step, Steps, Work};
use drydock_format::trailer;
use drydock_state::{SetName, SetStatus, transition};

/// Returns what fills a set: nothing of it is bootable until the record says so.
///
/// A set that is good is given up only for a bundle of which every byte has been proven, unless that would fetch all of it
/// twice. What may refuse the update comes last before that.
pub(super) fn to_fill<'p, M: Machine>(
    machine: &'p M,
    state: &State<'_>,
    prepared: &'p Prepared,
    asked: Asked,
) -> Result<Steps<'p, M>, Error> {
    let record = &state.record;
    let target = prepared.plan.target;
    let mut steps: Steps<'p, M> = Vec::new();
    let good = record.sets.get(target).status == SetStatus::Good;
    if good && !prepared.is_streamed && !prepared.was_proven(record.intent.as_ref()) {
        steps.push(Box::new(ProveContents(prepared)));
    }
    steps.extend(asked::before_update(machine, state, prepared, asked)?);
    steps.push(Box::new(GiveUp(target)));
    steps.extend(to_write(&prepared.slots));
    #[cfg(feature = "files")]
    for slot in prepared.slots.iter().filter(|slot| slot.plan.class.role == drydock_config::Role::Files) {
        steps.push(Box::new(super::tree::MakeTree { slot, target }));
    }
    // What goes back to the factory's state carries nothing.
    #[cfg(feature = "files")]
    for slot in prepared.slots.iter().filter(|slot| !slot.plan.class.carry.is_empty()) {
        if asked == Asked::Everybody {
            steps.push(Box::new(super::tree::CarryOver { slot, target }));
        }
    }
    steps.extend(asked::after_update(machine, prepared));
    let what = format!("set {target} is version {}", prepared.release.version);
    steps.push(Box::new(WriteTrailers { slots: &prepared.slots, what }));
    Ok(steps)
}

/// Returns what puts images into slots, up to the trailers.
fn to_write<M: Machine>(slots: &[PreparedSlot]) -> impl Iterator<Item = Box<dyn Step<M> + '_>> {
    let written = slots.iter().map(|slot| Box::new(Write(slot)) as Box<dyn Step<M> + '_>);
    let read_back = slots.iter().map(|slot| Box::new(ReadBack(slot)) as Box<dyn Step<M> + '_>);
    let invalidated: Box<dyn Step<M> + '_> = Box::new(InvalidateTrailers(slots));
    std::iter::once(invalidated).chain(written).chain(read_back)
}

/// Returns what writes a copy of the recovery: its contents are proven first, for the copy that is overwritten may be the
/// only other one that comes up.
pub(super) fn to_write_copy<'p, M: Machine>(slot: &'p [PreparedSlot; 1], what: String) -> Steps<'p, M> {
    let mut steps: Steps<'p, M> = vec![Box::new(ProveSlotContents(&slot[0]))];
    steps.extend(to_write(slot));
    steps.push(Box::new(WriteTrailers { slots: slot, what }));
    steps
}

struct ProveContents<'p>(&'p Prepared);

impl<M: Machine> Step<M> for ProveContents<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Verify,
            what: "the contents of the bundle".into(),
            why: "a set that is good is given up only for a bundle that is whole",
            needs: "the bundle's signatures hold, and it is for this device",
            durable: "nothing new",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        self.0.prove_contents(work.machine)?;
        Ok(Done::Told(format!("version {} is whole", self.0.release.version)))
    }
}

struct ProveSlotContents<'p>(&'p PreparedSlot);

impl<M: Machine> Step<M> for ProveSlotContents<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Verify,
            what: format!("the contents of image {}", self.0.plan.image.name),
            why: "a copy of the recovery is overwritten only by one that is whole",
            needs: "the bundle's signatures hold, and it is for this device",
            durable: "nothing new",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let name = &self.0.plan.image.name;
        self.0.prove(work.machine)?;
        Ok(Done::Told(format!("image {name} is whole")))
    }
}

struct GiveUp(SetName);

impl<M: Machine> Step<M> for GiveUp {
    fn about(&self) -> About {
        About {
            phase: Phase::State,
            what: format!("set {} may not be started from now on", self.0),
            why: "what is being written must not be started",
            needs: "the last good set is another one",
            durable: "the record and the bootloader know that the set may not be started",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        if !transition::begin_write(&mut work.state.record, self.0) {
            return Ok(Done::Skipped("it could not be started before".into()));
        }
        work.state.save()?;
        Ok(Done::Quietly)
    }
}

struct InvalidateTrailers<'p>(&'p [PreparedSlot]);

impl<M: Machine> Step<M> for InvalidateTrailers<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Write,
            what: format!("taking the old trailers away ({})", labels(self.0)),
            why: "a slot must not claim to hold what is being overwritten",
            needs: "the set may not be started",
            durable: "no slot of the target has a trailer",
        }
    }
    fn run(&self, _work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        for slot in self.0 {
            trailer::invalidate(&slot.device)?;
        }
        Ok(Done::Quietly)
    }
}

struct Write<'p>(&'p PreparedSlot);

impl<M: Machine> Step<M> for Write<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Write,
            what: format!("{} ({} MiB)", self.0.label, self.0.plan.image.size >> 20),
            why: "the slot gets the release's image and its hash tree",
            needs: "the slot has no trailer; each group is proven before it is written",
            durable: "the image and its hash tree",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let in_place = self.0.write(work.machine)?;
        if let Some(trouble) = self.0.trouble() {
            work.machine.events().warning(trouble);
        }
        if in_place == self.0.plan.image.size {
            return Ok(Done::Skipped("all of it was in place already".into()));
        }
        if in_place > 0 {
            let told = format_args!("{} MiB of {} were in place already", in_place >> 20, self.0.label);
            work.machine.events().note(told);
        }
        Ok(Done::Told(self.0.label.clone()))
    }
}

struct ReadBack<'p>(&'p PreparedSlot);

impl<M: Machine> Step<M> for ReadBack<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Prove,
            what: format!("{} by reading it back", self.0.label),
            why: "what the medium holds is what was signed",
            needs: "image and hash tree are on stable storage",
            durable: "nothing new",
        }
    }
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        work.machine.read_back(&self.0.plan.class, self.0.name, &self.0.plan.image)?;
        Ok(Done::Told(self.0.label.clone()))
    }
}

struct WriteTrailers<'p> {
    slots: &'p [PreparedSlot],
    what: String,
}

impl<M: Machine> Step<M> for WriteTrailers<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Commit,
            what: self.what.clone(),
            why: "a slot says by itself which signed release it holds",
            needs: "every slot was read back",
            durable: "the trailers",
        }
    }
    fn run(&self, _work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        for slot in self.slots {
            trailer::write(&slot.device, &slot.trailer)?;
        }
        Ok(Done::Quietly)
    }
}

fn labels(slots: &[PreparedSlot]) -> String {
    slots.iter().map(|slot| slot.label.as_str()).collect::<Vec<_>>().join(", ")
}
