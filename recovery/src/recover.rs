//! What recovery does once it knows its disk: the part of the story that the crash simulator runs, too.

use crate::error::Error;
use crate::event::{Event, Step};
use crate::live::report::Line;
use crate::machine::Volumes;
use crate::memory::{Memory, Trust};
use crate::release::trusted_release;
use crate::{reset, update};
use drydock_state::transition::{self, Running};
use drydock_state::{Intent, Job, MediumSource, Record, SetName, Source};

/// Why recovery runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bootloader saw that there is a job, or a person chose recovery from its menu.
    Asked,
    /// A person chose the factory reset from the bootloader's menu.
    FactoryReset,
    /// No set has attempts left, or the bootloader could not read its environment.
    Fallback,
}

/// What comes after recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Reset the machine; the bootloader chooses. The set is the one that it will choose.
    Reboot(SetName),
    /// Reset the machine; the bootloader starts this copy of the recovery, which was just written, to prove it.
    Prove(SetName),
    /// Nothing is bootable: stay, say so, and try again later.
    Stay(String),
}

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
pub fn settle_set(machine: &impl Volumes, memory: &mut Memory, set: SetName) -> Chosen {
    let exhausted = memory.counters().recovery_exhausted();
    // The bootloader has decided; that it can't be told anything new is no reason not to start.
    let stale = memory.settle(Running::Set(set), machine.now()).unwrap_or_else(|error| {
        machine.events().warning(error);
        false
    });
    tell_foreign_job(machine, &memory.record);
    let first = memory.record.first_set();
    if *memory.trust() != Trust::Whole {
        Chosen::Enter
    } else if exhausted && memory.record.copy_on_trial().is_some() {
        // Only a start of that copy can do anything about it, and none has come up: here is a set that does.
        machine
            .events()
            .note("the new copy of the recovery did not come up; it is tried again at the next boot");
        Chosen::Enter
    } else if memory.record.job().is_some() {
        machine.events().note("a job waits that no recovery has done; it is done now");
        Chosen::Recover
    } else if stale && first != set && memory.record.sets.get(first).bootable() {
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
    machine: &impl Volumes,
    memory: &mut Memory,
    reason: Reason,
    copy: Option<SetName>,
) -> Result<Next, Error> {
    if let Trust::ReadOnly(why) = memory.trust() {
        machine.events().warning(format_args!("nothing is written while the state can't be trusted: {why}"));
        memory.stand_down()?;
        return Ok(next(machine, memory));
    }
    let starved = no_attempts_left(memory);
    let before = memory.record.history.last().cloned();
    memory.settle(Running::Recovery(copy), machine.now())?;
    if let Some(last) = memory.record.history.last().filter(|last| before.as_ref() != Some(last)) {
        machine.events().note(Line(last));
    }
    tell_foreign_job(machine, &memory.record);
    if let Some(intent) = memory.record.job().cloned() {
        carry_out(machine, memory, &intent, copy)?;
    } else if reason == Reason::Fallback && starved {
        give_up_damaged_sets(machine, memory);
        if transition::rearm(&mut memory.record, machine.now()).is_some() {
            machine
                .events()
                .warning("all attempts of all sets were used up; the last good set is armed again");
        }
        memory.save()?;
    } else if reason == Reason::Fallback || memory.record.foreign_job().is_some() {
        // The bootloader could not count, or no set's kernel is whole, or a later drydock has told it of a job. This
        // fails on a disk that takes no writes, where a reset would only lead here again.
        memory.stand_down()?;
    }
    Ok(next(machine, memory))
}

fn tell_foreign_job(machine: &impl Volumes, record: &Record) {
    if let Some(Intent { id, job, .. }) = record.foreign_job() {
        machine.events().warning(format_args!("intent {id} is left alone: {job}"));
    }
}

/// No set came up: reads all of them. One that is not what was signed any more can't ever come up, and is given up; one
/// that is whole was kept from it by something else, flaky power above all, and is not condemned. Neither is one that
/// can't be read.
fn give_up_damaged_sets(machine: &impl Volumes, memory: &mut Memory) {
    for set in SetName::BOTH {
        if !memory.record.sets.get(set).bootable() {
            continue;
        }
        machine.events().started(Step::Prove, format_args!("set {set}, which did not come up"));
        let whole = machine.config().set_classes().try_for_each(|class| {
            let image = trusted_release(machine, class, set)?.image;
            machine.prove(class, set, &image)
        });
        match whole {
            Err(error) if error.is_damage() => {
                machine.events().warning(&error);
                transition::damaged(&mut memory.record, set, &error.to_string(), machine.now());
            }
            Err(error) => machine.events().warning(error),
            Ok(()) => {}
        }
    }
}

/// Carries an intent out. A failure is recorded, not returned.
fn carry_out(
    machine: &impl Volumes,
    memory: &mut Memory,
    intent: &Intent,
    copy: Option<SetName>,
) -> Result<(), Error> {
    let limit = machine.config().recovery.starts;
    let Some(start) = transition::count_start(&mut memory.record, limit, machine.now()) else {
        machine
            .events()
            .warning(format_args!("intent {} was started {limit} times; it is given up", intent.id));
        return memory.save();
    };
    // Being here shows that recovery comes up: the bootloader may start it as often again.
    memory.save()?;
    if start > 1 {
        machine.events().note(format_args!("going on with intent {}, start {start} of {limit}", intent.id));
    }
    let outcome = match &intent.job {
        Job::Update { source, manifest } => update::apply(machine, memory, source, Some(manifest)),
        Job::FactoryReset => reset::factory_reset(machine, memory, intent),
        Job::Wipe { label } => reset::wipe::wipe(machine, memory, label),
        Job::UpdateRecovery { source, manifest, written: None } => {
            update::recovery::write(machine, memory, source, manifest, copy)
        }
        // The bootloader knows now, or again, which copy is to prove itself.
        Job::UpdateRecovery { written: Some(_), .. } | Job::Unknown(_) => Ok(()),
    };
    if let Err(error) = outcome {
        let reason = error.to_string();
        machine.events().send(Event::Failed { step: Step::Commit, reason: reason.clone() });
        transition::fail(&mut memory.record, &reason, machine.now());
        memory.save()?;
    }
    Ok(())
}

/// Looks once for a bundle that makes a set bootable again: in the partition `factory`, and as the configured file on a
/// removable medium. Says whether one was installed. What stood in the way is told, not returned.
pub fn rescue(machine: &impl Volumes, memory: &mut Memory) -> Result<bool, Error> {
    let medium = machine.config().recovery.rescue_file.clone();
    let medium = (!medium.is_empty()).then_some(Source::Medium(MediumSource { path: medium }));
    for source in reset::factory_bundle(machine).into_iter().chain(medium) {
        match update::apply(machine, memory, &source, None) {
            Ok(()) => return Ok(true),
            Err(error) => machine.events().warning(error),
        }
    }
    Ok(false)
}

fn no_attempts_left(memory: &Memory) -> bool {
    match memory.counters() {
        transition::Counters::Current(env) => SetName::BOTH.iter().all(|set| env.left(*set) == 0),
        transition::Counters::Unknown => false,
    }
}

/// The set to start where the bootloader can't be told anything: the last good one before any other.
pub fn last_resort(record: &Record) -> Option<SetName> {
    bootable(record, None)
}

fn bootable(record: &Record, first: Option<SetName>) -> Option<SetName> {
    let order = [first, record.last_good, Some(SetName::A), Some(SetName::B)];
    order.into_iter().flatten().find(|set| record.sets.get(*set).bootable())
}

fn next(machine: &impl Volumes, memory: &Memory) -> Next {
    let record = &memory.record;
    if let Some(copy) = record.copy_on_trial() {
        return Next::Prove(copy);
    }
    match bootable(record, record.trial) {
        Some(set) => Next::Reboot(set),
        None => Next::Stay(nothing_bootable(machine, record)),
    }
}

/// What is wrong, for the person at the console, and what is looked for by whom.
fn nothing_bootable(machine: &impl Volumes, record: &Record) -> String {
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
