//! Factory reset, wipe and watchdog.

use crate::units::{Kib, Seconds};
use crate::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a factory reset does.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactoryReset {
    /// Files and folders of `data` that survive, as paths within the volume.
    pub keep: Vec<String>,
    /// How much they may be together.
    pub keep_limit_kib: Kib,
    /// What to do when there is something to keep and `data` can't be opened.
    pub if_locked: IfLocked,
    /// Whether the slots are taken back to the bundle in the partition `factory`, where there is one.
    pub restore_slots: bool,
    /// How long to wait for an answer at the console, when the reset was chosen from the bootloader's menu.
    pub confirm_seconds: Seconds,
}

impl Default for FactoryReset {
    fn default() -> Self {
        Self {
            keep: vec![],
            keep_limit_kib: Kib(4096),
            if_locked: IfLocked::Refuse,
            restore_slots: true,
            confirm_seconds: Seconds(30),
        }
    }
}

/// What a factory reset does when there is something to keep and `data` can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfLocked {
    /// Nothing: the reset fails, and everything stays as it is.
    Refuse,
    /// It resets without keeping anything, and says so in the history.
    Erase,
}
words!(IfLocked: Refuse = "refuse", Erase = "erase");

/// A partition that may be wiped.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wipe {
    /// The partition's label.
    pub label: String,
    /// In which way.
    pub how: WipeHow,
    /// With `how = "volume"`: whether the volume is a LUKS2 container. Default: yes.
    #[serde(default = "yes")]
    pub encrypted: bool,
}

/// How a partition is wiped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WipeHow {
    /// The device is told that the blocks are not used any more; the start and the end are overwritten.
    Discard,
    /// Every block is overwritten with zeros.
    Zero,
    /// A new volume with an empty ext4 takes its place; key slots are destroyed and blocks discarded first.
    Volume,
}
words!(WipeHow: Discard = "discard", Zero = "zero", Volume = "volume");

impl fmt::Display for WipeHow {
    /// As the configuration has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discard => "discard",
            Self::Zero => "zero",
            Self::Volume => "volume",
        })
    }
}

/// The hardware watchdog.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watchdog {
    /// The time without progress after which it resets the machine.
    pub seconds: Seconds,
    /// What becomes of it when a set is started.
    pub handover: WatchdogHandover,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { seconds: Seconds(60), handover: WatchdogHandover::Disarm }
    }
}

/// What becomes of the watchdog when a set is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchdogHandover {
    /// It is stopped: for a live system that does not feed it.
    Disarm,
    /// It goes on: the live system must feed it (systemd: `RuntimeWatchdogSec=`), or is reset.
    Keep,
}
words!(WatchdogHandover: Disarm = "disarm", Keep = "keep");

fn yes() -> bool {
    true
}
