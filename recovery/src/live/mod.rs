//! drydock in the live system: a command-line tool.
//!
//! Every command is a function from machine and memory to what is to be printed, so that tests run them on a
//! simulated disk.

pub mod report;

use crate::error::Error;
use crate::machine::Machine;
use crate::memory::{Memory, Trust};
use crate::release;
use crate::reset::{factory_source, wipe::refusal};
use crate::update;
use drydock_state::transition::{self, Running};
use drydock_state::{Job, SetName, Source};

/// Records the intent to install a bundle, after checking all that can be checked now. On return the intent
/// is on stable storage and the bootloader will start recovery next. Gives the intent's id and the version.
pub fn stage(machine: &impl Machine, memory: &mut Memory, source: Source) -> Result<(u64, String), Error> {
    writable(memory)?;
    let release = update::prepare(machine, memory, &source, None)?.release;
    let job = Job::Update { source, manifest: release.manifest };
    Ok((record(machine, memory, job, &release.version)?, release.version))
}

/// Records the intent to make `data` new, and to take the slots back to the factory's bundle. On return it is on stable
/// storage, and the bootloader will start recovery next. Gives the intent's id.
pub fn factory_reset(machine: &impl Machine, memory: &mut Memory) -> Result<u64, Error> {
    record(machine, memory, Job::FactoryReset, "")
}

/// Records the intent to wipe a partition that the configuration names for it; as [`factory_reset`].
pub fn wipe(machine: &impl Machine, memory: &mut Memory, label: &str) -> Result<u64, Error> {
    if !machine.config().wipes.iter().any(|wipe| wipe.label == label) {
        return Err(refusal(label));
    }
    record(machine, memory, Job::Wipe { label: label.into() }, "")
}

fn record(machine: &impl Machine, memory: &mut Memory, job: Job, version: &str) -> Result<u64, Error> {
    writable(memory)?;
    let id = transition::stage(&mut memory.record, job, version, machine.now())?;
    memory.save()?;
    Ok(id)
}

/// Takes the staged intent back. Gives its id.
pub fn cancel(machine: &impl Machine, memory: &mut Memory) -> Result<u64, Error> {
    writable(memory)?;
    let id = transition::cancel(&mut memory.record, machine.now())?;
    memory.save()?;
    Ok(id)
}

/// Marks the running set good, and gives it back the attempts that it used. On return that is on stable
/// storage. Says whether it was news.
///
/// While the state can't be trusted that is refused, but the attempts are given back: nothing shall keep the set
/// from being started again. The attempts of a set on trial that was passed over stay used, so that its trial ends.
pub fn mark_good(machine: &impl Machine, memory: &mut Memory, running: &RunningSet) -> Result<bool, Error> {
    if running.degraded {
        return Err(Error::Refused(
            "this boot is degraded (data is missing or read-only), so the set can't be marked good; mend that first".into(),
        ));
    }
    if let Err(refusal) = writable(memory) {
        memory.give_back(running.set)?;
        return Err(refusal);
    }
    settle(machine, memory, running.set)?;
    let news = transition::mark_good(&mut memory.record, running.set, machine.now())?;
    if news {
        memory.save()?;
    } else {
        memory.give_back(running.set)?;
    }
    take_up_offer(machine, memory, running.set)?;
    if transition::restore_other(&mut memory.record, running.set, factory_source(), machine.now())? {
        memory.save()?;
    }
    Ok(news)
}

/// The recovery that came with the running set is to be written, now that the set is good. That its bundle is not there
/// any more is only worth a warning: the next one brings another.
fn take_up_offer(machine: &impl Machine, memory: &mut Memory, running: SetName) -> Result<(), Error> {
    let Some((source, manifest)) = transition::offered(&memory.record, running) else { return Ok(()) };
    let new = update::recovery::is_new(machine, memory, &source, &manifest).unwrap_or_else(|error| {
        machine.events().warning(format_args!("the recovery is not updated: {error}"));
        false
    });
    if new {
        transition::stage_offer(&mut memory.record, source, manifest, machine.now())?;
        return memory.save();
    }
    memory.record.recovery.offer = None;
    memory.save_record()
}

/// Gives up the set that is first in order for the other one, from the next boot on. On return that is on stable
/// storage. Gives the set that is first now.
pub fn roll_back(machine: &impl Machine, memory: &mut Memory, running: SetName) -> Result<SetName, Error> {
    settle(machine, memory, running)?;
    may_take_over(machine, memory, memory.record.first_set())?;
    let next = transition::roll_back(&mut memory.record, machine.now())?;
    memory.save()?;
    Ok(next)
}

/// Gives up a set for good; the next boot starts the other one. On return that is on stable storage. Gives the set that
/// is first now.
pub fn mark_bad(
    machine: &impl Machine,
    memory: &mut Memory,
    running: SetName,
    set: SetName,
) -> Result<SetName, Error> {
    settle(machine, memory, running)?;
    may_take_over(machine, memory, set)?;
    let next = transition::mark_bad(&mut memory.record, set, machine.now())?;
    memory.save()?;
    Ok(next)
}

/// Takes note of what the bootloader has done, and makes its environment agree with the state again, as process 1 does
/// where it is drydock. On return both are on stable storage.
pub fn settle(machine: &impl Machine, memory: &mut Memory, running: SetName) -> Result<(), Error> {
    writable(memory)?;
    memory.settle(Running::Set(running), machine.now()).map(drop)
}

/// Checks that what would be started in place of a set is still in its slots, and signed.
fn may_take_over(machine: &impl Machine, memory: &Memory, given_up: SetName) -> Result<(), Error> {
    let next = transition::successor(&memory.record, given_up)?;
    let found = release::of_set(machine, next)?.manifest;
    if found == memory.record.sets.get(next).manifest {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "set {next} can't take over: it does not hold the release that was marked good"
    )))
}

fn writable(memory: &Memory) -> Result<(), Error> {
    match memory.trust() {
        Trust::Whole => Ok(()),
        Trust::ReadOnly(why) => Err(Error::Refused(format!("the state can't be changed: {why}"))),
    }
}

/// What PID 1 has left in `/run/drydock/boot.json` about this boot.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct RunningSet {
    /// The set that runs.
    pub set: SetName,
    /// The root's dm-verity root hash.
    pub root_hash: String,
    /// The version, as the slot's trailer has it.
    pub version: String,
    /// Whether `data` can only be read, or could not be opened and a temporary volume took its place.
    pub degraded: bool,
}
