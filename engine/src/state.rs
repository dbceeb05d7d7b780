//! The device's memory as one thing: the state record and the boot environment that follows from it.
//!
//! Whoever only wants to know looks ([`Seen`]): nothing is locked, mended or written, and a writer beside it does not
//! matter. Whoever changes something opens the memory ([`State`]) and has it for itself until it is dropped; nothing
//! that may take long belongs in between.

use crate::error::Error;
use crate::event::Events;
use crate::machine::{Device, Lock, Machine};
use crate::release;
use drydock_state::transition::{self, Counters, Running};
use drydock_state::{BootEnv, EnvStore, Mended, Opened, Record, SetName, Store};
use std::time::Duration;

/// How often a look is taken at most until record and environment belong together: a writer replaces one after the other.
const LOOKS: u32 = 8;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// The state record in state, and the two places where it is kept.
///
/// Change [`record`](Self::record), then [`save`](Self::save). No other process can change it until this is dropped.
pub struct State<'m> {
    /// The record. Changing it changes nothing on the device until [`save`](Self::save).
    pub record: Record,
    store: Store<Device>,
    /// Where the environment is kept, or why there is no such place any more.
    env: Result<EnvStore<Device>, String>,
    attempts: u8,
    trust: Trust,
    /// When it was opened, in seconds since 1970.
    now: u64,
    events: &'m dyn Events,
    _lock: Lock,
}

/// What the memory holds at a moment.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The record.
    pub record: Record,
    /// What the bootloader has counted, seen from the record.
    pub counters: Counters,
    /// Whether the memory may be acted on.
    pub trust: Trust,
}

/// Whether what the device remembers may be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The newest record is known, and its copies are equal.
    Whole,
    /// Which copy is the newest can't be told, none can be written, or a later drydock wrote one: nothing destructive
    /// may be done, and nothing is written. The text says why.
    ReadOnly(String),
}

impl Seen {
    /// Reads record and environment. Writes nothing and mends nothing, and needs no lock: what a writer is replacing at
    /// this moment is read again.
    pub fn look(machine: &impl Machine) -> Result<Self, Error> {
        let mut left = LOOKS;
        loop {
            left -= 1;
            let env = counted(&open_env(machine));
            let opened = Store::look(machine.partition("state")?, generation(env))?;
            let (record, trust) = match opened {
                Opened::Found { record, .. } => (record, Trust::Whole),
                Opened::Lost | Opened::Untrusted { .. } if left > 0 => {
                    machine.pause(PAUSE);
                    continue;
                }
                Opened::Lost => (rebuild(machine, env), Trust::Whole),
                Opened::Untrusted { record, reason } => {
                    let record = record.unwrap_or_else(|| rebuild(machine, env));
                    (record, Trust::ReadOnly(reason.to_string()))
                }
            };
            let counters = Counters::of(&record, env);
            if counters != Counters::Unknown || left == 0 {
                return Ok(Self { record, counters, trust });
            }
            machine.pause(PAUSE);
        }
    }
}

impl<'m> State<'m> {
    /// Waits until no other process has the state. Reads the record, repairs its copies, and rebuilds it from the slots'
    /// trailers if both are lost.
    ///
    /// On return the copies are equal and on stable storage, unless the memory is [`Trust::ReadOnly`].
    pub fn open(machine: &'m impl Machine) -> Result<Self, Error> {
        let lock = machine.lock()?;
        let events = machine.events();
        let env = open_env(machine);
        if let Err(why) = &env {
            events.warning(format_args!("the bootloader can't be told anything: {why}"));
        }
        let known = counted(&env);
        let (mut store, opened) = Store::open(machine.partition("state")?, generation(known))?;
        let (mut trust, mut failed) = (Trust::Whole, Vec::new());
        let record = match opened {
            Opened::Found { record, mended } => {
                failed = mended;
                record
            }
            Opened::Lost => {
                events.warning("the state record is lost; rebuilding it from the slots' trailers");
                let record = rebuild(machine, known);
                store.write(&record)?;
                record
            }
            Opened::Untrusted { record, reason } => {
                events.warning(format_args!("the state can't be trusted: {reason}"));
                trust = Trust::ReadOnly(reason.to_string());
                record.unwrap_or_else(|| rebuild(machine, known))
            }
        };
        let attempts = machine.config().boot.attempts;
        let mut state = Self { record, store, env, attempts, trust, now: machine.now(), events, _lock: lock };
        state.remember_mended(&failed)?;
        Ok(state)
    }

    /// Tells of places that have failed, on every console and in the history. On return that is on stable storage.
    fn remember_mended(&mut self, failed: &[Mended]) -> Result<(), Error> {
        for mended in failed {
            self.events.warning(mended);
            transition::mended(&mut self.record, &mended.to_string(), self.now);
        }
        if failed.is_empty() { Ok(()) } else { Ok(self.store.write(&self.record).map(drop)?) }
    }

    /// Whether the memory may be acted on.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What the bootloader has counted, seen from the record.
    pub fn counters(&self) -> Counters {
        Counters::of(&self.record, self.read_env())
    }

    /// Takes note of what the bootloader has done, and makes the environment agree with the record again.
    /// Every start does this first. On return both are on stable storage. Says whether the bootloader has chosen by
    /// an environment that was not this record's.
    pub fn settle(&mut self, running: Running, time: u64) -> Result<bool, Error> {
        if self.trust != Trust::Whole {
            return Ok(false);
        }
        let counters = self.counters();
        let stale = counters == Counters::Unknown;
        if transition::settle(&mut self.record, counters, running, time) {
            self.save()?;
        } else if stale {
            self.write_env()?;
        }
        Ok(stale)
    }

    /// Makes the record durable, and then the boot environment that follows from it, with fresh counters.
    /// A cut between the two is mended by the next [`settle`](Self::settle).
    pub fn save(&mut self) -> Result<(), Error> {
        self.save_record()?;
        self.write_env()
    }

    /// Makes the record durable without touching the boot environment, which must not depend on the change.
    pub fn save_record(&mut self) -> Result<(), Error> {
        if let Trust::ReadOnly(why) = &self.trust {
            return Err(Error::Refused(format!("the state can't be changed: {why}")));
        }
        let moved = self.store.write(&self.record)?;
        self.remember_mended(&moved)
    }

    /// Gives the bootloader fresh counters.
    pub fn write_env(&self) -> Result<(), Error> {
        self.put_env(&self.record.boot_env(self.attempts))
    }

    /// Takes one start off a set's counter, as the bootloader would: before it is started without a reset.
    pub fn take_attempt(&self, set: SetName) -> Result<(), Error> {
        let mut env = self.read_env().unwrap_or_else(|| self.record.boot_env(self.attempts));
        let left = env.left_mut(set);
        *left = left.saturating_sub(1);
        self.put_env(&env)
    }

    /// Gives the running set back the attempts that it used; the other set's stay used. The record has no part
    /// in it, so this is right while the state can't be trusted, too. On return it is on stable storage.
    pub fn give_back(&self, running: SetName) -> Result<(), Error> {
        let fresh = self.record.boot_env(self.attempts);
        let before = self.read_env();
        let mut env = before.unwrap_or(fresh);
        *env.left_mut(running) = self.attempts.clamp(1, 9);
        if before == Some(env) { Ok(()) } else { self.put_env(&env) }
    }

    /// Makes the bootloader choose a set next, without a word in the record: for a device whose state can't
    /// be trusted, so that it does not come back to recovery again and again.
    pub fn stand_down(&self) -> Result<(), Error> {
        let fresh = self.record.boot_env(self.attempts);
        let mut env = self.read_env().unwrap_or(fresh);
        if SetName::BOTH.iter().all(|set| env.left(*set) == 0) {
            (env.left_a, env.left_b) = (fresh.left_a, fresh.left_b);
        }
        // Being here shows that recovery comes up.
        let left_recovery = fresh.left_recovery;
        self.put_env(&BootEnv { mode: drydock_state::Mode::Normal, left_recovery, ..env })
    }

    /// The environment, if it is whole.
    fn read_env(&self) -> Option<BootEnv> {
        counted(&self.env)
    }

    fn put_env(&self, env: &BootEnv) -> Result<(), Error> {
        match &self.env {
            Ok(store) => Ok(store.write(env)?),
            Err(why) => Err(Error::Refused(format!("the bootloader can't be told anything: {why}"))),
        }
    }
}

fn open_env(machine: &impl Machine) -> Result<EnvStore<Device>, String> {
    let opened = machine.partition("bootenv").and_then(|device| Ok(EnvStore::open(device)?));
    opened.map_err(|error| error.to_string())
}

/// The environment, if it is whole.
fn counted(env: &Result<EnvStore<Device>, String>) -> Option<BootEnv> {
    env.as_ref().ok()?.read().ok()
}

/// The generation of the record that the bootloader was told of last.
fn generation(env: Option<BootEnv>) -> Option<u32> {
    env.map(|env| env.generation)
}

/// What the slots' trailers say of the sets. A set counts only if every class has a whole, signed trailer of
/// one and the same release.
fn rebuild(machine: &impl Machine, env: Option<BootEnv>) -> Record {
    let info = |set| release::of_set(machine, set).ok();
    transition::rebuild(info(SetName::A), info(SetName::B), env, machine.now())
}

/// Sends one line for each thing that a person wants to know of the state.
pub fn describe(record: &Record, events: &dyn Events) {
    for set in SetName::BOTH {
        let info = record.sets.get(set);
        if !info.version.is_empty() {
            events.note(format_args!("set {set}: {} ({})", info.version, info.status));
        }
    }
}
