//! What recovery does once it knows its disk: the part of the story that the crash simulator runs, too.

pub use crate::context::{Next, Reason};
use crate::error::Error;
use crate::event::{Attempt, Step};
use crate::history::Line;
use crate::machine::Machine;
use crate::release::trusted_release;
use crate::state::{State, Trust};
use crate::steps::{self, Commit};
use crate::{reset, update};
use drydock_state::transition::{self, Running};
use drydock_state::{CopyName, Intent, Job, MediumSource, Record, SetName, Source};

/// What process 1 does with a set that the bootloader has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Start it.
    Enter,
    /// A job waits that the bootloader did not know of: do that first.
    Recover,
    /// Another set is first, which the bootloader did not know: reset, and let it choose again.
    Reset,
}

/// Takes note of what the bootloader has counted, and of what it did not know when it chose this set.
pub fn settle_set(machine: &impl Machine, state: &mut State, set: SetName) -> Chosen {
    let exhausted = state.counters().recovery_exhausted();
    // The bootloader has decided; that it can't be told anything new is no reason not to start.
    let stale = state.settle(Running::Set(set), machine.now()).unwrap_or_else(|error| {
        machine.events().warning(error);
        false
    });
    tell_foreign_job(machine, &state.record);
    let first = state.record.first_set();
    if *state.trust() != Trust::Whole {
        Chosen::Enter
    } else if exhausted && state.record.copy_on_trial().is_some() {
        // Only a start of that copy can do anything about it, and none has come up: here is a set that does.
        machine
            .events()
            .note("the new copy of the recovery did not come up; it is tried again at the next boot");
        Chosen::Enter
    } else if state.record.job().is_some() {
        machine.events().note("a job waits that no recovery has done; it is done now");
        Chosen::Recover
    } else if stale && first != set && state.record.sets.get(first).bootable() {
        machine.events().note(format_args!("the bootloader did not know yet that set {first} is first"));
        Chosen::Reset
    } else {
        Chosen::Enter
    }
}

/// Does what the intent asks for, or arms the last good set again, or nothing.
///
/// Whatever happens on the way, the outcome and its reason are in the history when this returns, the intent
/// is over, and the boot environment agrees. An error means that the memory itself can't be read or written.
///
/// `copy` is the copy of the recovery that runs, if it is one and the bootloader has said which.
pub fn recover(
    machine: &impl Machine,
    state: &mut State,
    reason: Reason,
    copy: Option<CopyName>,
) -> Result<Next, Error> {
    if let Trust::ReadOnly(why) = state.trust() {
        machine.events().warning(format_args!("nothing is written while the state can't be trusted: {why}"));
        state.stand_down()?;
        return Ok(next(machine, state));
    }
    let starved = state.counters().sets_exhausted();
    let before = state.record.history.last().cloned();
    state.settle(Running::Recovery(copy), machine.now())?;
    if let Some(last) = state.record.history.last().filter(|last| before.as_ref() != Some(last)) {
        machine.events().note(Line(last));
    }
    tell_foreign_job(machine, &state.record);
    if let Some(intent) = state.record.job().cloned() {
        carry_out(machine, state, &intent, copy)?;
    } else if starved {
        // Not every bootloader says why it has started recovery; that no set has starts left says as much.
        give_up_damaged_sets(machine, state);
        if transition::rearm(&mut state.record, machine.now()).is_some() {
            machine
                .events()
                .warning("all attempts of all sets were used up; the last good set is armed again");
        }
        state.save()?;
    } else if reason == Reason::Fallback || state.record.foreign_job().is_some() {
        // The bootloader could not count, or no set's kernel is whole, or a later drydock has told it of a job. This
        // fails on a disk that takes no writes, where a reset would only lead here again.
        state.stand_down()?;
    }
    Ok(next(machine, state))
}

fn tell_foreign_job(machine: &impl Machine, record: &Record) {
    if let Some(Intent { id, job, .. }) = record.foreign_job() {
        machine.events().warning(format_args!("intent {id} is left alone: {job}"));
    }
}

/// No set came up: reads all of them. One that is not what was signed any more can't ever come up, and is given up; one
/// that is whole was kept from it by something else, flaky power above all, and is not condemned. Neither is one that
/// can't be read.
fn give_up_damaged_sets(machine: &impl Machine, state: &mut State) {
    for set in SetName::BOTH {
        if !state.record.sets.get(set).bootable() {
            continue;
        }
        machine.events().started(Step::Prove, format_args!("set {set}, which did not come up"));
        let whole = machine.config().set_classes().try_for_each(|class| {
            let image = trusted_release(machine, class, set)?.image;
            machine.read_back(class, set.into(), &image)
        });
        match whole {
            Err(error) if error.is_damage() => {
                machine.events().warning(&error);
                transition::damaged(&mut state.record, set, &error.to_string(), machine.now());
            }
            Err(error) => machine.events().warning(error),
            Ok(()) => {}
        }
    }
}

/// Carries an intent out. A failure is recorded, not returned.
fn carry_out(
    machine: &impl Machine,
    state: &mut State,
    intent: &Intent,
    copy: Option<CopyName>,
) -> Result<(), Error> {
    let limit = machine.config().recovery.starts;
    let Some(start) = transition::count_start(&mut state.record, limit, machine.now()) else {
        machine
            .events()
            .warning(format_args!("intent {} was started {limit} times; it is given up", intent.id));
        return state.save();
    };
    // Being here shows that recovery comes up: the bootloader may start it as often again.
    state.save()?;
    if start > 1 {
        machine.events().note(format_args!("going on with intent {}, start {start} of {limit}", intent.id));
    }
    machine.events().belongs_to(Some(Attempt { intent: intent.id, attempt: start }));
    let ended = match &intent.job {
        Job::Update { source, manifest } => update::apply(machine, state, source, Some(*manifest)),
        Job::FactoryReset => reset::factory_reset(machine, state, intent),
        Job::Wipe { label } => reset::wipe::wipe(machine, state, label),
        Job::UpdateRecovery { source, manifest, written: None } => {
            update::recovery::write(machine, state, source, *manifest, copy)
        }
        // The bootloader knows now, or again, which copy is to prove itself.
        Job::UpdateRecovery { written: Some(_), .. } | Job::Unknown(_) => Ok(Commit::Nothing),
    };
    let finished = steps::finish(machine, state, ended);
    machine.events().belongs_to(None);
    finished
}

/// Looks once for a bundle that makes a set bootable again: in the partition `factory`, and as the configured file on a
/// removable medium. Returns whether one was installed. What stood in the way is told, not returned.
pub fn rescue(machine: &impl Machine, state: &mut State) -> Result<bool, Error> {
    let medium = machine.config().recovery.rescue_file.clone();
    let medium = (!medium.is_empty()).then_some(Source::Medium(MediumSource { path: medium }));
    for source in reset::factory_bundle(machine).into_iter().chain(medium) {
        match update::apply(machine, state, &source, None) {
            Ok(commit) => return steps::finish(machine, state, Ok(commit)).map(|()| true),
            Err(error) => machine.events().warning(error),
        }
    }
    Ok(false)
}

/// The set to start where the bootloader can't be told anything: the last good one before any other.
pub fn last_resort(record: &Record) -> Option<SetName> {
    bootable(record, None)
}

fn bootable(record: &Record, first: Option<SetName>) -> Option<SetName> {
    let order = [first, record.last_good, Some(SetName::A), Some(SetName::B)];
    order.into_iter().flatten().find(|set| record.sets.get(*set).bootable())
}

/// What comes after recovery, as the record says at the moment.
pub(crate) fn next(machine: &impl Machine, state: &State) -> Next {
    let record = &state.record;
    if let Some(copy) = record.copy_on_trial() {
        return Next::TryCopy(copy);
    }
    match bootable(record, record.trial) {
        Some(set) => Next::Reboot(set),
        None => Next::Stay(nothing_bootable(machine, record)),
    }
}

/// What is wrong, for the person at the console, and what is looked for by whom.
fn nothing_bootable(machine: &impl Machine, record: &Record) -> String {
    let [a, b] = SetName::BOTH.map(|set| record.sets.get(set).status.to_string());
    let also = reset::factory_bundle(machine).map_or("", |_| "the partition `factory` is looked at, too; ");
    let help = match machine.config().recovery.rescue_file.as_str() {
        "" => {
            "this device takes no bundle from a stick (`recovery.rescue_file` is empty): write its disk anew"
                .into()
        }
        file => format!(
            "connect a stick with a bundle for this device, in the file {file}; it is looked for again and again"
        ),
    };
    format!("no set is bootable (a is {a}, b is {b}); {also}{help}")
}
