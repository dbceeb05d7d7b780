//! Hooks: programs of the integrator's that take part in an update or a reset.

use crate::units::{Mib, Seconds};
use crate::words::words;
use core::fmt;
use serde::{Deserialize, Serialize};

/// A program that is called at a place of a job, and may refuse to let it go on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// What it is called in events and in the history.
    pub name: String,
    /// When it is called.
    pub at: HookPlace,
    /// A program in the root image of a release, which becomes the hook's `/`: its path there.
    #[serde(default)]
    pub file: Option<String>,
    /// A static program that the initramfs carries: in TOML its path on the build host, in the initramfs below
    /// `/etc/drydock`.
    #[serde(default)]
    pub builtin: Option<String>,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// How long it may take. Default: 60.
    #[serde(default = "defaults::time_limit")]
    pub time_limit_seconds: Seconds,
    /// How much memory it may have. Default: 64.
    #[serde(default = "defaults::memory")]
    pub memory_mib: Mib,
    /// Whether it may use the network. Default: no.
    #[serde(default)]
    pub network: bool,
    /// How long it is called again for, while it says that it is too early. Default: 0.
    #[serde(default)]
    pub wait_seconds: Seconds,
}

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPlace {
    /// Before anything is written for an update.
    BeforeWrite,
    /// When all of it is written and read back, before it counts.
    AfterWrite,
    /// In the live system, before a set is marked good for the first time.
    FirstGood,
    /// Before a factory reset or a wipe destroys anything.
    BeforeReset,
    /// When all of it is done, before it is recorded.
    AfterReset,
}
words!(HookPlace: BeforeWrite = "before-write", AfterWrite = "after-write", FirstGood = "first-good", BeforeReset = "before-reset", AfterReset = "after-reset");

impl fmt::Display for HookPlace {
    /// As the configuration has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeWrite => "before-write",
            Self::AfterWrite => "after-write",
            Self::FirstGood => "first-good",
            Self::BeforeReset => "before-reset",
            Self::AfterReset => "after-reset",
        })
    }
}

mod defaults {
    use super::{Mib, Seconds};

    pub(super) fn time_limit() -> Seconds {
        Seconds(60)
    }
    pub(super) fn memory() -> Mib {
        Mib(64)
    }
}
