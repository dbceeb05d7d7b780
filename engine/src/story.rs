//! The story of a boot, from the moment when the machine has found its disk to the hand-over.
//!
//! One program is process 1 for both jobs: recovery, and starting a set. Read [`boot`] from top to bottom.

use crate::context::{BootContext, End, Purpose};
use crate::error::Error;
use crate::event::{Event, Step};
use crate::journal;
use crate::machine::Machine;
use crate::recover::{self, Chosen, Next, Reason};
use crate::release::trusted_release;
#[cfg(feature = "service")]
use crate::service::{self, Attended};
use crate::state::{self, State, Trust};
use crate::stay::{self, Waited};
use drydock_config::{Bootloader, Handover, Role, SlotClass};
use drydock_state::bootloader::none::Choice;
use drydock_state::{CopyName, SetName, transition};

/// Does what this boot is for. Returns when the machine is to be reset, or has entered a set.
pub fn boot(machine: &impl Machine, context: BootContext) -> Result<End, Error> {
    let mut state = open_state(machine)?;
    match context.purpose {
        Purpose::Set(set) => start_set(machine, &mut state, set),
        Purpose::Recovery(reason) => run_recovery(machine, &mut state, reason, Image::Copy(context.copy)),
        Purpose::Unsaid if machine.config().layout.bootloader == Bootloader::None => {
            choose(machine, &mut state)
        }
        Purpose::Unsaid => run_recovery(machine, &mut state, Reason::Asked, Image::Copy(context.copy)),
    }
}

/// What runs, where recovery's work is done.
#[derive(Clone, Copy)]
enum Image {
    /// This copy of the recovery, if the bootloader has said which.
    Copy(Option<CopyName>),
    /// The one image that the firmware always starts, whatever it is to do.
    Only,
}

/// There is no bootloader: what it would have done is done here, before anything else.
fn choose(machine: &impl Machine, state: &mut State) -> Result<End, Error> {
    match state.choose() {
        Choice::Set(set) => start_set(machine, state, set),
        Choice::Job => run_recovery(machine, state, Reason::Asked, Image::Only),
        Choice::Fallback => run_recovery(machine, state, Reason::Fallback, Image::Only),
    }
}

/// Opens the state, and takes note of what an earlier boot could not write into it.
fn open_state<'m>(machine: &'m impl Machine) -> Result<State<'m>, Error> {
    let mut state = State::open(machine)?;
    let panics = machine.take_panics();
    for reason in &panics {
        machine.events().warning(format_args!("an earlier boot ended in a defect: {reason}"));
        transition::crashed(&mut state.record, reason, machine.now());
    }
    if !panics.is_empty() && *state.trust() == Trust::Whole {
        state.save_record()?;
    }
    Ok(state)
}

/// Recovery: do the job, then hand over. What is still wanted afterwards is said on every console.
fn run_recovery(
    machine: &impl Machine,
    state: &mut State,
    reason: Reason,
    image: Image,
) -> Result<End, Error> {
    let events = machine.events();
    // Nobody starts a copy that is to prove itself where the image is the only one: it counts as passed over.
    let copy = match image {
        Image::Copy(copy) => copy,
        Image::Only => Some(state.record.recovery.first),
    };
    state::describe(&state.record, events);
    if reason == Reason::FactoryReset {
        stay::confirm_reset(machine, state)?;
    }
    // A person who was asked just now, and a job, are what it is here for.
    #[cfg(feature = "service")]
    let has_nothing_to_do = reason != Reason::FactoryReset && state.record.job().is_none();
    let next = match recover::recover(machine, state, reason, copy) {
        Ok(next) => next,
        Err(error) => return start_without_memory(machine, state, error),
    };
    if let Some(peak) = machine.peak_memory() {
        events.note(format_args!("peak memory of drydock: {peak}"));
    }
    if *state.trust() == Trust::Whole {
        journal::keep(machine);
    }
    #[cfg(feature = "service")]
    let next = match (has_nothing_to_do, &next) {
        (true, Next::Reboot(_) | Next::TryCopy(_)) => match service::attend(machine, state, copy)? {
            Attended::GoesOn => recover::next(machine, state),
            Attended::Ends(end) => return Ok(end),
        },
        _ => next,
    };
    match &next {
        Next::Reboot(set) if may_switch(machine, state, *set, image) => {
            state.take_attempt(*set)?;
            events.started(Step::HandOver, format_args!("switching to set {set} without a reset"));
            return enter(machine, state, *set);
        }
        Next::Reboot(set) => {
            events.started(Step::HandOver, format_args!("reset; the bootloader starts set {set} next"));
        }
        Next::TryCopy(copy) => {
            let text = format_args!("reset; the bootloader starts copy {copy} of the recovery next");
            events.started(Step::HandOver, text);
        }
        Next::Stay(why) => return stay::until_rescued(machine, state, why, copy),
    }
    Ok(End::Reset(next))
}

/// The disk takes no writes, or the bootloader's own partition is gone: it would start recovery again and again. The
/// last good set is started from here instead, with this kernel.
fn start_without_memory(machine: &impl Machine, state: &mut State, error: Error) -> Result<End, Error> {
    let events = machine.events();
    let Some(set) = recover::last_resort(&state.record) else { return Err(error) };
    events.send(Event::Failed { step: Step::State, reason: error.to_string() });
    events.warning(format_args!("starting set {set} from here; repair the disk, or nothing can be updated"));
    enter(machine, state, set)
}

/// A set: settle what the bootloader has counted, then put its root together and become its init.
fn start_set(machine: &impl Machine, state: &mut State, set: SetName) -> Result<End, Error> {
    match recover::settle_set(machine, state, set) {
        Chosen::Enter => {}
        Chosen::Recover => return run_recovery(machine, state, Reason::Asked, Image::Copy(None)),
        Chosen::Reset => return Ok(End::ChooseAgain),
    }
    let entered = enter(machine, state, set);
    if let Err(error) = &entered
        && *state.trust() == Trust::Whole
    {
        transition::not_started(&mut state.record, set, &error.to_string(), machine.now());
        state.save_record()?;
    }
    entered
}

fn enter(machine: &impl Machine, state: &mut State, set: SetName) -> Result<End, Error> {
    match stay::assemble_root(machine, state, set)? {
        Waited::Ready => {}
        Waited::Ended(end) => return Ok(end),
    }
    let init = &machine.config().boot.init;
    machine.events().finished(Step::HandOver, format_args!("starting {init} of set {set}"));
    machine.enter(set)?;
    Ok(End::Entered(set))
}

/// Recovery may become the new system without a reset only if its kernel is of the same release, or the only one.
fn may_switch(machine: &impl Machine, state: &State, set: SetName, image: Image) -> bool {
    if machine.config().recovery.handover != Handover::SwitchRoot {
        return false;
    }
    let copy = match image {
        Image::Copy(copy) => copy,
        // A reset would start the same kernel.
        Image::Only => return true,
    };
    let class = SlotClass::new("recovery", Role::Recovery);
    let own = copy.and_then(|copy| trusted_release(machine, &class, copy).ok());
    let same = own.is_some_and(|own| own.info.manifest == state.record.sets.get(set).manifest);
    if !same {
        machine
            .events()
            .note("this recovery is of another release than the new set, so the hand-over is a reset");
    }
    same
}
