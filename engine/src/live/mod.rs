//! drydock in the live system: a command-line tool.
//!
//! Every command is a function from the machine to what is to be printed, so that tests run them on a simulated disk.
//! A command that changes something does what may take long first, by a mere look at the state, and then has the state
//! for itself for as long as it takes to read it, check it again, change it and write it. So commands that run at once
//! come one after the other, and nothing that one of them has acknowledged is lost to another.

#[cfg(feature = "fleet")]
pub mod fleet;
pub mod report;

use crate::asked;
use crate::context::RunningSet;
use crate::error::Error;
use crate::machine::Machine;
use crate::release;
use crate::reset::{factory_source, wipe::refusal};
use crate::state::{Seen, State, Trust};
use crate::update::{self, Look, Prepared};
use drydock_format::Digest;
use drydock_state::transition::{self, Running};
use drydock_state::{Intent, Job, Record, SetName, Source, UnixTime};

/// How often a command looks again when another one has changed what it had looked at.
const TRIES: u32 = 5;

/// What staging a bundle came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// The intent's id.
    pub id: u64,
    /// The release's version.
    pub version: String,
}

/// Records the intent to install a bundle, after checking all that can be checked now; [`Look::Whole`] reads and proves
/// all of the bundle. On return the intent is on stable storage and the bootloader will start recovery next.
pub fn stage(machine: &impl Machine, source: Source, look: Look) -> Result<Staged, Error> {
    stage_with(machine, source, look, |_, _| Ok(()))
}

/// As [`stage`], and whatever else `note` changes in the record is one with it: both are on stable storage, or neither. An error of
/// `note` leaves all as it was.
pub fn stage_with(
    machine: &impl Machine,
    source: Source,
    look: Look,
    note: impl FnOnce(&mut Record, u64) -> Result<(), Error>,
) -> Result<Staged, Error> {
    let mut tries = 0..TRIES;
    let (prepared, mut state) = loop {
        let seen = Seen::look(machine)?;
        writable(&seen.trust)?;
        let prepared = update::prepare(machine, &seen.record, &source, None, look)?;
        let state = open(machine)?;
        if prepared.still_fits(machine.config(), &state.record)? {
            break (prepared, state);
        }
        tries.next().ok_or_else(changed_meanwhile)?;
    };
    let Prepared { release, digest, stamp, .. } = &prepared;
    let job = Job::Update { source, manifest: *digest };
    let id = transition::stage(&mut state.record, job, &release.version, machine.now())?;
    if let Some(intent) = &mut state.record.intent {
        intent.proven = stamp.clone().filter(|_| look == Look::Whole);
    }
    note(&mut state.record, id)?;
    state.save()?;
    Ok(Staged { id, version: release.version.clone() })
}

/// Records the intent to make `data` new, and to take the slots back to the factory's bundle. On return it is on stable
/// storage, and the bootloader will start recovery next. Returns the intent's id.
pub fn factory_reset(machine: &impl Machine) -> Result<u64, Error> {
    record(machine, Job::FactoryReset)
}

/// Records the intent to wipe a partition that the configuration names for it; as [`factory_reset`].
pub fn wipe(machine: &impl Machine, label: &str) -> Result<u64, Error> {
    if !machine.config().wipes.iter().any(|wipe| wipe.label == label) {
        return Err(refusal(machine.config(), label));
    }
    record(machine, Job::Wipe { label: label.into() })
}

fn record(machine: &impl Machine, job: Job) -> Result<u64, Error> {
    let mut state = open(machine)?;
    let id = transition::stage(&mut state.record, job, "", machine.now())?;
    state.save()?;
    Ok(id)
}

/// Takes the staged intent back. On return that is on stable storage. Returns its id.
pub fn cancel(machine: &impl Machine) -> Result<u64, Error> {
    let mut state = open(machine)?;
    let id = transition::cancel(&mut state.record, machine.now())?;
    state.save()?;
    Ok(id)
}

/// What saying that a set is well came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedGood {
    /// Whether it was news.
    pub news: bool,
    /// What waits for recovery now.
    pub waiting: Option<Intent>,
}

/// Marks the running set good, and gives it back the attempts that it used. On return that is on stable storage. Hooks of the
/// integrator's are asked before it is good for the first time, and may refuse.
///
/// While the state can't be trusted that is refused, but the attempts are given back: nothing shall keep the set
/// from being started again. The attempts of a set on trial that was passed over stay used, so that its trial ends.
pub fn mark_good(machine: &impl Machine, running: &RunningSet) -> Result<MarkedGood, Error> {
    if running.degraded {
        return Err(Error::Refused(
            "this boot is degraded (data is missing or read-only), so the set can't be marked good; mend that first".into(),
        ));
    }
    asked::before_good(machine, running)?;
    let mut state = State::open(machine)?;
    if let Err(refusal) = writable(state.trust()) {
        state.give_back(running.set)?;
        return Err(refusal);
    }
    state.settle(Running::Set(running.set), machine.now())?;
    let news = transition::mark_good(&mut state.record, running.set, machine.now())?;
    if news {
        state.save()?;
    } else {
        state.give_back(running.set)?;
    }
    if let Some((source, manifest)) = transition::offered(&state.record, running.set) {
        let record = state.record.clone();
        drop(state);
        state = take_up_offer(machine, &record, running.set, source, manifest)?;
    }
    if transition::restore_other(&mut state.record, running.set, factory_source(), machine.now())? {
        state.save()?;
    }
    Ok(MarkedGood { news, waiting: state.record.intent.clone() })
}

/// The recovery that came with the running set is to be written, now that the set is good. That its bundle is not there
/// any more is only worth a warning: the next one brings another.
fn take_up_offer<'m>(
    machine: &'m impl Machine,
    seen: &Record,
    running: SetName,
    source: Source,
    manifest: Digest,
) -> Result<State<'m>, Error> {
    let new = update::recovery::is_new(machine, seen, &source, manifest).unwrap_or_else(|error| {
        machine.events().warning(format_args!("the recovery is not updated: {error}"));
        false
    });
    let mut state = open(machine)?;
    // Somebody else may have taken it up, or have asked for something that comes first.
    let still = transition::offered(&state.record, running) == Some((source.clone(), manifest));
    if still && new {
        transition::stage_offer(&mut state.record, source, manifest, machine.now())?;
        state.save()?;
    } else if still {
        state.record.recovery.offer = None;
        state.save_record()?;
    }
    Ok(state)
}

/// Gives up the set that is first in order for the other one, from the next boot on. On return that is on stable
/// storage. Returns the set that is first now.
pub fn roll_back(machine: &impl Machine, running: SetName) -> Result<SetName, Error> {
    take_over(machine, running, Record::first_set, transition::roll_back)
}

/// Gives up a set for good; the next boot starts the other one. On return that is on stable storage. Returns the set that
/// is first now.
pub fn mark_bad(machine: &impl Machine, running: SetName, set: SetName) -> Result<SetName, Error> {
    take_over(machine, running, |_| set, |record, time| transition::mark_bad(record, set, time))
}

/// Lets the other set take over from the one that `given_up` finds in the record, if it is still in its slots, and signed.
fn take_over(
    machine: &impl Machine,
    running: SetName,
    given_up: impl Fn(&Record) -> SetName,
    change: impl FnOnce(&mut Record, UnixTime) -> Result<SetName, drydock_state::Error>,
) -> Result<SetName, Error> {
    let mut tries = 0..TRIES;
    let (next, found, mut state) = loop {
        let mut seen = Seen::look(machine)?;
        writable(&seen.trust)?;
        transition::settle(&mut seen.record, seen.counters, Running::Set(running), machine.now());
        let next = transition::successor(&seen.record, given_up(&seen.record));
        // An encrypted slot may take long to open.
        let found = next.map(|next| (next, release::of_set(machine, next)));
        let mut state = open(machine)?;
        state.settle(Running::Set(running), machine.now())?;
        let still = transition::successor(&state.record, given_up(&state.record))?;
        match found {
            Ok((next, found)) if next == still => break (next, found?.manifest, state),
            _ => tries.next().ok_or_else(changed_meanwhile)?,
        };
    };
    if found != state.record.sets.get(next).manifest {
        return Err(Error::Refused(format!(
            "set {next} can't take over: it does not hold the release that was marked good"
        )));
    }
    let next = change(&mut state.record, machine.now())?;
    state.save()?;
    Ok(next)
}

/// Takes note of what the bootloader has done, and makes its environment agree with the state again, as process 1 does
/// where it is drydock. On return both are on stable storage. Trees of files that the running set lacks are made, and the
/// live system sees its own.
pub fn settle(machine: &impl Machine, running: SetName) -> Result<(), Error> {
    let settled = open(machine).and_then(|mut state| state.settle(Running::Set(running), machine.now()));
    #[cfg(feature = "files")]
    if settled.is_ok() {
        let _alone = machine.lock()?;
        crate::tree::settle(machine, crate::machine::Place::Data, running)?;
    }
    settled.map(drop)
}

fn changed_meanwhile() -> Error {
    Error::Refused(
        "the state was changed meanwhile, again and again; see `drydock status`, and try again".into(),
    )
}

/// The state, to change it.
fn open(machine: &impl Machine) -> Result<State<'_>, Error> {
    let state = State::open(machine)?;
    writable(state.trust())?;
    Ok(state)
}

fn writable(trust: &Trust) -> Result<(), Error> {
    match trust {
        Trust::Whole => Ok(()),
        Trust::ReadOnly(why) => Err(Error::Untrusted(why.clone())),
    }
}
