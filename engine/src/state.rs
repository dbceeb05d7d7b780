//! The device's state as one thing: the state record, and what the bootloader is told of it.
//!
//! Whoever only wants to know looks ([`Seen`]): nothing is locked, mended or written, and a writer beside it does not
//! matter. Whoever changes something opens it ([`State`]) and has it for itself until it is dropped; nothing
//! that may take long belongs in between.

use crate::error::Error;
use crate::event::Events;
use crate::machine::{Device, Lock, Machine};
use crate::release;
use drydock_state::bootloader::none::{self, Choice};
use drydock_state::transition::{self, Counters, Running};
use drydock_state::{
    Bootloader, Generation, Mended, Mode, Observed, Opened, Record, SetName, Store, UnixTime, Wanted,
};
use std::time::Duration;

/// How often a look is taken at most until record and bootloader agree: a writer replaces one after the other.
const LOOKS: u32 = 8;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// The state record in memory, and the two places where it is kept.
///
/// Change [`record`](Self::record), then [`save`](Self::save). No other process can change it until this is dropped.
pub struct State<'m> {
    /// The record. Changing it changes nothing on the device until [`save`](Self::save).
    pub record: Record,
    store: Store<Device>,
    /// What the bootloader is told and has counted, or why it can't be told anything any more.
    bootloader: Result<Box<dyn Bootloader>, String>,
    /// How often it may start a set, as far as it can count.
    attempts: u8,
    trust: Trust,
    /// When it was opened, in seconds since 1970.
    now: UnixTime,
    events: &'m dyn Events,
    _lock: Lock,
}

/// What the state holds at a moment.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The record.
    pub record: Record,
    /// What the bootloader has counted, seen from the record.
    pub counters: Counters,
    /// Whether the state may be acted on.
    pub trust: Trust,
}

/// Whether what the device remembers may be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The newest record is known, and its replicas are equal.
    Whole,
    /// Which replica is the newest can't be told, none can be written, or a later drydock wrote one: nothing destructive
    /// may be done, and nothing is written. The text says why.
    ReadOnly(String),
}

impl Seen {
    /// Reads the record, and what the bootloader has counted. Writes nothing and mends nothing, and needs no lock: what a writer is replacing at
    /// this moment is read again.
    pub fn look(machine: &impl Machine) -> Result<Self, Error> {
        let mut left = LOOKS;
        loop {
            left -= 1;
            let observed = observe(&open_bootloader(machine));
            let opened = Store::look(machine.partition("state")?, told(observed))?;
            let (record, trust) = match opened {
                Opened::Found { record, .. } => (record, Trust::Whole),
                Opened::Lost | Opened::Untrusted { .. } if left > 0 => {
                    machine.pause(PAUSE);
                    continue;
                }
                Opened::Lost => (rebuild(machine, observed), Trust::Whole),
                Opened::Untrusted { record, reason } => {
                    let record = record.unwrap_or_else(|| rebuild(machine, observed));
                    (record, Trust::ReadOnly(reason.to_string()))
                }
            };
            let counters = Counters::of(&record, observed);
            if counters != Counters::Unknown || left == 0 {
                return Ok(Self { record, counters, trust });
            }
            machine.pause(PAUSE);
        }
    }
}

impl<'m> State<'m> {
    /// Waits until no other process has the state. Reads the record, repairs its replicas, and rebuilds it from the slots'
    /// trailers if both are lost.
    ///
    /// On return the replicas are equal and on stable storage, unless the state is [`Trust::ReadOnly`].
    pub fn open(machine: &'m impl Machine) -> Result<Self, Error> {
        let lock = machine.lock()?;
        let events = machine.events();
        let bootloader = open_bootloader(machine);
        if let Err(why) = &bootloader {
            events.warning(format_args!("the bootloader can't be told anything: {why}"));
        }
        let observed = observe(&bootloader);
        let (mut store, opened) = Store::open(machine.partition("state")?, told(observed))?;
        let (mut trust, mut failed) = (Trust::Whole, Vec::new());
        let record = match opened {
            Opened::Found { record, mended } => {
                failed = mended;
                record
            }
            Opened::Lost => {
                events.warning("the state record is lost; rebuilding it from the slots' trailers");
                let record = rebuild(machine, observed);
                store.write(&record)?;
                record
            }
            Opened::Untrusted { record, reason } => {
                events.warning(format_args!("the state can't be trusted: {reason}"));
                trust = Trust::ReadOnly(reason.to_string());
                record.unwrap_or_else(|| rebuild(machine, observed))
            }
        };
        let most = bootloader.as_ref().map_or(u8::MAX, |bootloader| bootloader.most_starts());
        let attempts = machine.config().boot.attempts.min(most).max(1);
        let now = machine.now();
        let mut state = Self { record, store, bootloader, attempts, trust, now, events, _lock: lock };
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

    /// Whether the state may be acted on.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What the bootloader has counted, seen from the record.
    pub fn counters(&self) -> Counters {
        Counters::of(&self.record, self.observe())
    }

    /// Takes note of what the bootloader has done, and tells it again what it does not know. Every start does this first.
    /// On return both are on stable storage. Returns whether the bootloader has chosen by what was not this record's.
    pub fn settle(&mut self, running: Running, time: UnixTime) -> Result<bool, Error> {
        if self.trust != Trust::Whole {
            return Ok(false);
        }
        let counters = self.counters();
        let stale = counters == Counters::Unknown;
        if transition::settle(&mut self.record, counters, running, time) {
            self.save()?;
        } else if stale {
            self.tell_bootloader()?;
        }
        Ok(stale)
    }

    /// Makes the record durable, and then what the bootloader is told of it, with fresh counters.
    /// A cut between the two is mended by the next [`settle`](Self::settle).
    pub fn save(&mut self) -> Result<(), Error> {
        self.save_record()?;
        self.tell_bootloader()
    }

    /// Makes the record durable without telling the bootloader, for whom nothing may follow from the change.
    pub fn save_record(&mut self) -> Result<(), Error> {
        if let Trust::ReadOnly(why) = &self.trust {
            return Err(Error::Untrusted(why.clone()));
        }
        let moved = self.store.write(&self.record)?;
        self.remember_mended(&moved)
    }

    /// Tells the bootloader what follows from the record, with fresh counters. On return that is on stable storage.
    pub fn tell_bootloader(&self) -> Result<(), Error> {
        self.tell(&self.wanted())
    }

    /// Takes one start off a set's counter, as the bootloader would: before it is started without a reset.
    pub fn take_attempt(&self, set: SetName) -> Result<(), Error> {
        let mut wanted = self.as_it_is();
        let left = wanted.attempts.of_mut(set);
        *left = left.saturating_sub(1);
        self.tell(&wanted)
    }

    /// Chooses what is started where the firmware always starts one image, and counts it: what a bootloader would have done.
    /// On return the count is on stable storage; where it can't be, the choice is recovery, as with a bootloader.
    pub fn choose(&self) -> Choice {
        let (choice, left) = none::choose(self.observe());
        match left.map_or(Ok(()), |left| self.tell(&left)) {
            Ok(()) => choice,
            Err(error) => {
                self.events.warning(error);
                Choice::Fallback
            }
        }
    }

    /// Gives the running set back the attempts that it used; the other set's stay used. The record has no part
    /// in it, so this is right while the state can't be trusted, too. On return it is on stable storage.
    pub fn give_back(&self, running: SetName) -> Result<(), Error> {
        let before = self.observe().map(Wanted::from);
        let mut wanted = before.unwrap_or(self.wanted());
        *wanted.attempts.of_mut(running) = self.attempts;
        if before == Some(wanted) { Ok(()) } else { self.tell(&wanted) }
    }

    /// Makes the bootloader choose a set next, without a word in the record: for a device whose state can't
    /// be trusted, so that it does not come back to recovery again and again.
    pub fn stand_down(&self) -> Result<(), Error> {
        let (fresh, mut wanted) = (self.wanted().attempts, self.as_it_is());
        if wanted.attempts.no_set() {
            wanted.attempts = fresh;
        }
        // Being here shows that recovery comes up.
        wanted.attempts.recovery = fresh.recovery;
        self.tell(&Wanted { mode: Mode::Normal, ..wanted })
    }

    /// What follows from the record for the bootloader, with fresh counters.
    fn wanted(&self) -> Wanted {
        self.record.wanted(self.attempts)
    }

    /// What the bootloader knows and has left; where that is damaged, what follows from the record.
    fn as_it_is(&self) -> Wanted {
        self.observe().map_or_else(|| self.wanted(), Wanted::from)
    }

    fn observe(&self) -> Option<Observed> {
        observe(&self.bootloader)
    }

    fn tell(&self, wanted: &Wanted) -> Result<(), Error> {
        match &self.bootloader {
            Ok(bootloader) => Ok(bootloader.want(wanted)?),
            Err(why) => Err(Error::Refused(format!("the bootloader can't be told anything: {why}"))),
        }
    }
}

fn open_bootloader(machine: &impl Machine) -> Result<Box<dyn Bootloader>, String> {
    machine.bootloader().map_err(|error| error.to_string())
}

/// What the bootloader has left, if what it was told is whole.
fn observe(bootloader: &Result<Box<dyn Bootloader>, String>) -> Option<Observed> {
    bootloader.as_ref().ok()?.observe().ok()
}

/// The generation of the record that the bootloader was told last.
fn told(observed: Option<Observed>) -> Option<Generation> {
    observed.map(|observed| observed.generation)
}

/// What the slots' trailers say of the sets. A set counts only if every class has a whole, signed trailer of
/// one and the same release.
fn rebuild(machine: &impl Machine, observed: Option<Observed>) -> Record {
    let info = |set| release::of_set(machine, set).ok();
    transition::rebuild(info(SetName::A), info(SetName::B), observed, machine.now())
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
