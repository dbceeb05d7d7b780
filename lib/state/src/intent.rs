//! What recovery has been asked to do.

use crate::later::Later;
use crate::name::CopyName;
use crate::time::UnixTime;
use drydock_format::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::fmt;

/// What recovery has been asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Intent {
    /// Its number; the outcome in the history carries the same.
    pub id: u64,
    /// What to do.
    #[serde(deserialize_with = "Job::read")]
    pub job: Job,
    /// How often a recovery has been started for it.
    #[serde(default)]
    pub starts: u32,
    /// How often all starts that the bootloader has for recovery were used up without one coming up, and a set came up
    /// after them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u32,
    /// When it was recorded.
    pub time: UnixTime,
    /// The bundle's bytes that were read and proven when it was recorded, as the machine tells files apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<String>,
    /// Whether all that may refuse has let it pass: from then on it is carried out, and none of that is asked again.
    #[cfg(feature = "hooks")]
    #[serde(default, skip_serializing_if = "is_false")]
    pub begun: bool,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// A job for recovery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Job {
    /// Install a bundle into the set that is not the last good one.
    Update {
        /// Where the bundle is.
        source: Source,
        /// The digest of the manifest that is meant.
        manifest: Digest,
    },
    /// Write the recovery's image of a bundle into the copy of the recovery that is not in use.
    UpdateRecovery {
        /// Where the bundle is.
        source: Source,
        /// The digest of the manifest that is meant.
        manifest: Digest,
        /// The copy that was written, and is to prove itself by a boot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written: Option<CopyName>,
    },
    /// Make `data` new, and take the slots back to the factory's bundle where the device has one.
    FactoryReset,
    /// Wipe one partition, in the way that the configuration names for it.
    Wipe {
        /// The partition's label.
        label: String,
    },
    /// A later drydock's job that this one does not know: it is left for that one.
    #[serde(untagged)]
    Unknown(Value),
}

/// Where a bundle is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "on", rename_all = "kebab-case")]
pub enum Source {
    /// A file on the `data` volume; the path is relative to the volume's root.
    Data {
        /// Path within the volume.
        path: String,
    },
    /// A file on a removable medium.
    Medium(MediumSource),
    /// A raw partition of our own disk that begins with the bundle.
    Partition {
        /// The partition's label.
        label: String,
    },
    /// A bundle on a server, which recovery reads while it installs it.
    Network {
        /// Its address.
        url: String,
    },
    /// The memory of the recovery, to which it was uploaded. It is lost with the power.
    Memory,
    /// A later drydock's source that this one does not know.
    #[serde(untagged)]
    Unknown(Value),
}

/// A file on a removable medium.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MediumSource {
    /// Path within the medium's filesystem.
    pub path: String,
}

impl Intent {
    /// Returns an intent that nothing has been done for yet.
    pub fn new(id: u64, job: Job, time: UnixTime) -> Self {
        Self {
            id,
            job,
            starts: 0,
            missed: 0,
            time,
            proven: None,
            #[cfg(feature = "hooks")]
            begun: false,
            later: Later::new(),
        }
    }
}

/// Reads something that a later drydock may have written: what would not be written in just this way here is not known
/// here, fields and all.
fn known_or<'de, T, D>(deserializer: D, unknown: fn(Value) -> T) -> Result<T, D::Error>
where
    T: DeserializeOwned + Serialize,
    D: Deserializer<'de>,
{
    let value = Value::deserialize(deserializer)?;
    let known = drydock_json::from_value(&value).ok();
    let same = |known: &T| serde_json::to_value(known).is_ok_and(|again| again == value);
    Ok(match known.filter(same) {
        Some(known) => known,
        None => unknown(value),
    })
}

impl Source {
    /// Reads one. Returns [`Source::Unknown`] where it is not known here.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        known_or(deserializer, Self::Unknown)
    }
}

impl Job {
    /// Reads one. Returns [`Job::Unknown`] where it is not known here.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        known_or(deserializer, Self::Unknown)
    }

    /// Returns whether this drydock knows what to do. Any other job is left for the later drydock that recorded it.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Update { source, .. } | Self::UpdateRecovery { source, .. } => {
                !matches!(source, Source::Unknown(_))
            }
            Self::FactoryReset | Self::Wipe { .. } => true,
            Self::Unknown(_) => false,
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update { source: Source::Unknown(source), .. }
            | Self::UpdateRecovery { source: Source::Unknown(source), .. } => {
                write!(f, "an update from a source that only a later drydock knows: {}", word(source, "on"))
            }
            Self::Update { .. } => f.write_str("update"),
            Self::UpdateRecovery { .. } => f.write_str("update of the recovery"),
            Self::FactoryReset => f.write_str("factory reset"),
            Self::Wipe { label } => write!(f, "wipe {label}"),
            Self::Unknown(job) => write!(f, "a job that only a later drydock knows: {}", word(job, "kind")),
        }
    }
}

/// What an unknown thing calls itself.
fn word<'a>(value: &'a Value, tag: &str) -> &'a str {
    value.get(tag).and_then(Value::as_str).unwrap_or("without a name")
}

#[cfg(feature = "hooks")]
fn is_false(yes: &bool) -> bool {
    !yes
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
