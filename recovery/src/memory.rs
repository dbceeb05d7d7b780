//! The device's memory as one thing: the state record and the boot environment that follows from it.

use crate::error::Error;
use crate::event::Events;
use crate::machine::{Device, Machine};
use crate::release;
use drydock_state::transition::{self, Counters, Running};
use drydock_state::{BootEnv, EnvStore, Opened, Record, SetName, Store};

/// The state record in memory, and the two places where it is kept.
///
/// Change [`record`](Self::record), then [`save`](Self::save).
pub struct Memory {
    /// The record. Changing it changes nothing on the device until [`save`](Self::save).
    pub record: Record,
    store: Store<Device>,
    /// Where the environment is kept, or why there is no such place any more.
    env: Result<EnvStore<Device>, String>,
    attempts: u8,
    trust: Trust,
}

/// Whether what the device remembers may be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Both copies of the record can be read and are equal.
    Whole,
    /// A copy can't be read, or a later drydock wrote it: nothing destructive may be done, and nothing is
    /// written. The text says why.
    ReadOnly(String),
}

impl Memory {
    /// Reads the record, repairs its copies, and rebuilds it from the slots' trailers if both are lost.
    ///
    /// On return the copies are equal and on stable storage, unless the memory is [`Trust::ReadOnly`].
    pub fn open(machine: &impl Machine) -> Result<Self, Error> {
        let events = machine.events();
        let opened = machine.partition("bootenv").and_then(|device| Ok(EnvStore::open(device)?));
        let env = opened.map_err(|error| error.to_string());
        if let Err(why) = &env {
            events.warning(format_args!("the bootloader can't be told anything: {why}"));
        }
        let counted = env.as_ref().ok().and_then(|env| env.read().ok());
        let (mut store, opened) = Store::open(machine.partition("state")?)?;
        let mut trust = Trust::Whole;
        let record = match opened {
            Opened::Found(record) => record,
            Opened::Lost => {
                events.warning("the state record is lost; rebuilding it from the slots' trailers");
                let record = rebuild(machine, counted);
                store.write(&record)?;
                record
            }
            Opened::Untrusted { record, reason } => {
                events.warning(format_args!("the state can't be trusted: {reason}"));
                trust = Trust::ReadOnly(reason.to_string());
                record.unwrap_or_else(|| rebuild(machine, counted))
            }
        };
        Ok(Self { record, store, env, attempts: machine.config().boot.attempts, trust })
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
        Ok(self.store.write(&self.record)?)
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
        self.env.as_ref().ok()?.read().ok()
    }

    fn put_env(&self, env: &BootEnv) -> Result<(), Error> {
        match &self.env {
            Ok(store) => Ok(store.write(env)?),
            Err(why) => Err(Error::Refused(format!("the bootloader can't be told anything: {why}"))),
        }
    }
}

/// What the slots' trailers say of the sets. A set counts only if every class has a whole, signed trailer of
/// one and the same release.
fn rebuild(machine: &impl Machine, env: Option<BootEnv>) -> Record {
    let info = |set| release::of_set(machine, set).ok();
    transition::rebuild(info(SetName::A), info(SetName::B), env, machine.now())
}

/// Sends one line for each thing that a person wants to know of the memory.
pub fn describe(record: &Record, events: &dyn Events) {
    for set in SetName::BOTH {
        let info = record.sets.get(set);
        if !info.version.is_empty() {
            events.note(format_args!("set {set}: {} ({:?})", info.version, info.status));
        }
    }
}
