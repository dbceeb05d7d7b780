//! What `drydock status` and `drydock log` print.

use crate::context::RunningSet;
use crate::history::Line;
#[cfg(feature = "fleet")]
use crate::live::fleet::FleetStatus;
use crate::machine::Machine;
use crate::release::trusted_release;
use crate::state::{Seen, Trust};
use drydock_config::{Bootloader, Role};
use drydock_state::transition::Counters;
use drydock_state::{CopyName, Entry, Floors, Intent, SetInfo, SetName};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Everything that `drydock status` shows.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// What kind of device this is.
    pub compatible: String,
    /// What runs now, if PID 1 was drydock.
    pub running: Option<RunningSet>,
    /// The two sets.
    pub sets: BTreeMap<SetName, SetStatus>,
    /// The set that was marked good last.
    pub last_good: Option<SetName>,
    /// The set that has its trial.
    pub trial: Option<SetName>,
    /// The set that the bootloader tries first.
    pub first: SetName,
    /// The recovery's own two copies, where the configuration has them.
    pub recovery: Option<RecoveryStatus>,
    /// What waits for recovery.
    pub intent: Option<Intent>,
    /// Security versions below which nothing is accepted.
    pub floors: Floors,
    /// Which bootloader the device has.
    pub bootloader: Bootloader,
    /// Starts that the bootloader has left for recovery.
    pub recovery_starts_left: Option<u8>,
    /// Whether the bootloader's environment belongs to the state record.
    pub boot_environment: EnvStatus,
    /// Why the state can't be trusted, if so.
    pub untrusted: Option<String>,
    /// What is between the device and its fleet, where the configuration has one.
    #[cfg(feature = "fleet")]
    pub fleet: Option<FleetStatus>,
    /// What has happened, oldest first.
    pub history: Vec<Entry>,
}

/// One set.
#[derive(Clone, Debug, Serialize)]
pub struct SetStatus {
    /// What the state record knows.
    #[serde(flatten)]
    pub info: SetInfo,
    /// Starts that the bootloader has left for it.
    pub attempts_left: Option<u8>,
    /// The root hash of each slot class, from the slots' signed trailers.
    pub root_hashes: BTreeMap<String, Option<String>>,
    /// For each class of files whether the set has the tree of the image in its slot.
    #[cfg(feature = "files")]
    pub trees: BTreeMap<String, bool>,
}

/// The recovery's own two copies.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryStatus {
    /// The copy that is tried first, once it has run.
    pub first: CopyName,
    /// The copy that was written and has not run yet; it is started next.
    pub trial: Option<CopyName>,
    /// The version and the root hash of each copy, from its signed trailer.
    pub copies: BTreeMap<CopyName, Option<(String, String)>>,
}

/// Whether the bootloader's environment belongs to the state record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvStatus {
    /// It does.
    Agrees,
    /// It is damaged or older; the next start mends it.
    ToBeMended,
}

/// Gathers the status. Reads only.
pub fn status(machine: &impl Machine, seen: &Seen, running: Option<RunningSet>) -> Status {
    let Seen { record, counters, trust } = seen;
    let set_status = |set| SetStatus {
        info: record.sets.get(set).clone(),
        attempts_left: match *counters {
            Counters::Current(now) => Some(now.left.of(set)),
            Counters::Unknown => None,
        },
        root_hashes: map(machine.config().set_classes().map(|class| {
            let release = trusted_release(machine, class, set).ok();
            (class.class.clone(), release.map(|release| release.image.root_hash.to_string()))
        })),
        #[cfg(feature = "files")]
        trees: map(crate::tree::classes(machine.config()).map(|class| {
            let release = trusted_release(machine, class, set);
            let is_there = release
                .is_ok_and(|found| crate::tree::is_there(machine, set, &class.class, &found.image.root_hash));
            (class.class.clone(), is_there)
        })),
    };
    Status {
        compatible: machine.config().compatible.clone(),
        running,
        sets: map(SetName::BOTH.into_iter().map(|set| (set, set_status(set)))),
        last_good: record.last_good,
        trial: record.trial,
        first: record.first_set(),
        recovery: machine.config().class_with_role(Role::Recovery).map(|class| RecoveryStatus {
            first: record.recovery.first,
            trial: record.copy_on_trial(),
            copies: map(CopyName::BOTH.into_iter().map(|copy| {
                let release = trusted_release(machine, class, copy).ok();
                (copy, release.map(|found| (found.info.version, found.image.root_hash.to_string())))
            })),
        }),
        intent: record.intent.clone(),
        floors: record.floors.clone(),
        bootloader: machine.config().layout.bootloader,
        recovery_starts_left: match counters {
            Counters::Current(now) => Some(now.left.recovery),
            Counters::Unknown => None,
        },
        boot_environment: match counters {
            Counters::Current(_) => EnvStatus::Agrees,
            Counters::Unknown => EnvStatus::ToBeMended,
        },
        untrusted: match trust {
            Trust::Whole => None,
            Trust::ReadOnly(why) => Some(why.clone()),
        },
        #[cfg(feature = "fleet")]
        fleet: machine.config().fleet.as_ref().map(|fleet| FleetStatus::of(fleet, &record.fleet)),
        history: record.history.clone(),
    }
}

/// A map of a few things. To collect it would sort them first, which takes more code on a device than putting each in its place.
fn map<K: Ord, V>(pairs: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "device     {}", self.compatible)?;
        match &self.running {
            Some(running) => {
                let degraded = if running.degraded { ", DEGRADED: data is missing or read-only" } else { "" };
                writeln!(f, "running    set {} ({}){degraded}", running.set, running.version)?;
            }
            None => writeln!(f, "running    not known (this boot was not drydock's)")?,
        }
        for (set, status) in &self.sets {
            self.write_set(f, *set, status)?;
        }
        if let Some(RecoveryStatus { first, trial, copies }) = &self.recovery {
            write!(f, "recovery   copy {first} is first")?;
            trial.iter().try_for_each(|copy| write!(f, ", copy {copy} is to prove itself"))?;
            writeln!(f)?;
            for (copy, found) in copies {
                match found {
                    Some((version, hash)) => writeln!(f, "           {copy} {version} {hash}")?,
                    None => writeln!(f, "           {copy} has no signed trailer")?,
                }
            }
        }
        match &self.intent {
            Some(Intent { id, job, starts, .. }) => {
                writeln!(f, "intent     {id} ({job}) waits for recovery, started {starts} times")?
            }
            None => writeln!(f, "intent     none")?,
        }
        writeln!(f, "floors     install {}, boot {}", self.floors.install, self.floors.boot)?;
        write!(f, "bootloader {}", self.bootloader.name())?;
        self.recovery_starts_left
            .iter()
            .try_for_each(|left| write!(f, ", {left} starts left for recovery"))?;
        writeln!(f)?;
        if self.boot_environment == EnvStatus::ToBeMended {
            writeln!(f, "           its environment does not belong to the state; the next start mends it")?;
        }
        if let Some(why) = &self.untrusted {
            writeln!(f, "STATE      can't be trusted: {why}")?;
        }
        #[cfg(feature = "fleet")]
        self.fleet.iter().try_for_each(|fleet| write!(f, "{fleet}"))?;
        writeln!(f, "history")?;
        self.history.iter().rev().take(8).try_for_each(|entry| writeln!(f, "  {}", Line(entry)))
    }
}

impl Status {
    fn write_set(&self, f: &mut fmt::Formatter<'_>, set: SetName, status: &SetStatus) -> fmt::Result {
        let version = if status.info.version.is_empty() { "-" } else { &status.info.version };
        write!(
            f,
            "set {set}      {} {version}, security version {}",
            status.info.status, status.info.security_version
        )?;
        if let Some(left) = status.attempts_left {
            write!(f, ", {left} starts left")?;
        }
        if self.last_good == Some(set) {
            write!(f, ", the last good one")?;
        }
        if self.first == set && self.running.as_ref().is_some_and(|running| running.set != set) {
            write!(f, ", started next")?;
        }
        writeln!(f)?;
        for (class, hash) in &status.root_hashes {
            writeln!(f, "           {class} {}", hash.as_deref().unwrap_or("has no signed trailer"))?;
        }
        #[cfg(feature = "files")]
        for (class, is_there) in &status.trees {
            let there = if *is_there { "is there" } else { "is missing" };
            writeln!(f, "           the tree of {class} {there}")?;
        }
        Ok(())
    }
}
