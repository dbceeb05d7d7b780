use crate::bootloader::{Mode, Starts, Wanted};
use crate::digest::MaybeDigest;
use crate::generation::Generation;
use crate::intent::{Intent, Job, Source};
pub use crate::later::Later;
use crate::name::{CopyName, SetName};
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many history entries are kept; older ones go first.
pub const HISTORY_LIMIT: usize = 64;

/// Everything that a device remembers. Changed in memory, then written whole by [`Store`](crate::Store).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Record {
    /// The generation of what the bootloader is told.
    pub generation: Generation,
    /// What recovery has been asked to do, until its outcome is known.
    #[serde(default)]
    pub intent: Option<Intent>,
    /// The id of the newest intent.
    #[serde(default)]
    pub last_intent_id: u64,
    /// What is known of the two sets.
    pub sets: Sets,
    /// The set that was marked good last: what is never written to, and what is fallen back to.
    #[serde(default)]
    pub last_good: Option<SetName>,
    /// The set that has been installed and has not yet said that it is well.
    #[serde(default)]
    pub trial: Option<SetName>,
    /// After a factory reset: the digest of the manifest of the factory's release, which the other set shall get as well
    /// once the restored one is good.
    #[serde(default, skip_serializing_if = "MaybeDigest::is_none")]
    pub restore: MaybeDigest,
    /// Security versions below which nothing is accepted any more.
    #[serde(default)]
    pub floors: Floors,
    /// What is known of the recovery's own two copies.
    #[serde(default)]
    pub recovery: Recovery,
    /// What has happened, oldest first.
    #[serde(default)]
    pub history: Vec<Entry>,
    /// What is between this device and its fleet's server.
    #[cfg(feature = "fleet")]
    #[serde(
        default,
        deserialize_with = "crate::fleet::Fleet::read",
        skip_serializing_if = "crate::fleet::Fleet::is_empty"
    )]
    pub fleet: crate::fleet::Fleet,
    /// How often keys of technicians were used.
    #[cfg(feature = "service")]
    #[serde(
        default,
        deserialize_with = "crate::service::Service::read",
        skip_serializing_if = "crate::service::Service::is_empty"
    )]
    pub service: crate::service::Service,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// What is known of the recovery's own two copies. What is in them, their trailers say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Recovery {
    /// The copy that the bootloader tries first: it has run.
    #[serde(default)]
    pub first: CopyName,
    /// A bundle with a recovery in it, to be written once the set that came with it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// A recovery that came with a set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Offer {
    /// The set that was installed from the same bundle.
    pub set: SetName,
    /// Where the bundle was.
    #[serde(deserialize_with = "Source::read")]
    pub source: Source,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// What is known of each set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sets {
    /// Set a.
    pub a: SetInfo,
    /// Set b.
    pub b: SetInfo,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// What is known of one set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetInfo {
    /// Whether it may boot.
    pub status: SetStatus,
    /// The release's version, empty if there is none.
    #[serde(default)]
    pub version: String,
    /// The release's security version.
    #[serde(default)]
    pub security_version: u32,
    /// The digest of the release's manifest.
    #[serde(default)]
    pub manifest: MaybeDigest,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// Whether a set may boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetStatus {
    /// Nothing usable: blank, or being written.
    #[default]
    Empty,
    /// Installed and proven; has not yet said that it is well.
    Trial,
    /// Has said that it is well.
    Good,
    /// Has used up its attempts, or was marked bad.
    Bad,
    /// A later drydock's word that this one does not know. Such a set may be tried: what is not whole is not started.
    #[serde(untagged)]
    Unknown(String),
}

/// Security versions below which nothing is accepted any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Floors {
    /// The lowest security version that may be installed. Rises when a set is marked good.
    pub install: u32,
    /// The lowest security version that may boot. Rises only when the older set has been overwritten, so
    /// that rollback keeps working.
    pub boot: u32,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Entry {
    /// The intent that it is the outcome of, or 0.
    #[serde(default)]
    pub intent: u64,
    /// When.
    pub time: UnixTime,
    /// What.
    pub outcome: Outcome,
    /// The set concerned, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetName>,
    /// The version concerned, if known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Why, in words for the person who reads it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The factory wrote the first release.
    Flashed,
    /// A bundle was staged for the next recovery boot.
    Staged,
    /// A staged bundle was taken back.
    Cancelled,
    /// A set was written, proven and armed.
    Installed,
    /// An update was given up; the reason says why.
    Failed,
    /// A set said that it is well.
    MarkedGood,
    /// A set used up its attempts; the other one runs.
    RolledBack,
    /// A set that was good did not come up; it stays good, the other one runs.
    FellBack,
    /// All attempts of all sets were used up; the last good set was armed again.
    Rearmed,
    /// A set could not be started; the reason says why.
    NotStarted,
    /// The state was lost and rebuilt from the slots' trailers.
    StateRebuilt,
    /// `data` was made new; the reason says what was kept and what became of the slots.
    Reset,
    /// A partition was wiped; the reason names it.
    Wiped,
    /// drydock itself had a defect and restarted; the reason says where.
    Crashed,
    /// A set was given up by hand.
    MarkedBad,
    /// A new copy of the recovery was written, and has proven itself by a boot.
    RecoveryUpdated,
    /// A replica of the state could not be read and was written anew; the reason says which, and why.
    StateMended,
    /// A technician's key was used; the reason says whose, and what for.
    #[cfg(feature = "service")]
    Admitted,
    /// A technician was not let in; the reason says who, and why.
    #[cfg(feature = "service")]
    TurnedAway,
    /// A later drydock's word that this one does not know.
    #[serde(untagged)]
    Unknown(String),
}

impl SetStatus {
    /// Returns its name as JSON has it.
    pub fn name(&self) -> &str {
        match self {
            Self::Empty => "empty",
            Self::Trial => "trial",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unknown(name) => name,
        }
    }
}

impl fmt::Display for SetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Outcome {
    /// As JSON has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Flashed => "flashed",
            Self::Staged => "staged",
            Self::Cancelled => "cancelled",
            Self::Installed => "installed",
            Self::Failed => "failed",
            Self::MarkedGood => "marked-good",
            Self::RolledBack => "rolled-back",
            Self::FellBack => "fell-back",
            Self::Rearmed => "rearmed",
            Self::NotStarted => "not-started",
            Self::StateRebuilt => "state-rebuilt",
            Self::Reset => "reset",
            Self::Wiped => "wiped",
            Self::Crashed => "crashed",
            Self::MarkedBad => "marked-bad",
            Self::RecoveryUpdated => "recovery-updated",
            Self::StateMended => "state-mended",
            #[cfg(feature = "service")]
            Self::Admitted => "admitted",
            #[cfg(feature = "service")]
            Self::TurnedAway => "turned-away",
            Self::Unknown(name) => name,
        })
    }
}

impl Outcome {
    /// Returns whether the intent that an entry names is over with it.
    pub fn ends_intent(&self) -> bool {
        matches!(
            self,
            Self::Installed
                | Self::Failed
                | Self::Cancelled
                | Self::Reset
                | Self::Wiped
                | Self::RecoveryUpdated
        )
    }
}

impl Sets {
    /// Returns what is known of the set.
    pub fn get(&self, set: SetName) -> &SetInfo {
        match set {
            SetName::A => &self.a,
            SetName::B => &self.b,
        }
    }

    /// Returns what is known of the set, to change it.
    pub fn get_mut(&mut self, set: SetName) -> &mut SetInfo {
        match set {
            SetName::A => &mut self.a,
            SetName::B => &mut self.b,
        }
    }
}

impl SetInfo {
    /// Returns whether the bootloader may start it.
    pub fn bootable(&self) -> bool {
        matches!(self.status, SetStatus::Trial | SetStatus::Good | SetStatus::Unknown(_))
    }
}

impl Record {
    /// Returns what follows from this record for the bootloader, with nothing used up.
    ///
    /// `attempts` is how often a set may be started without being marked good, and recovery without coming up: 1 at least.
    pub fn wanted(&self, attempts: u8) -> Wanted {
        let attempts = attempts.max(1);
        let of = |set| if self.sets.get(set).bootable() { attempts } else { 0 };
        Wanted {
            generation: self.generation,
            first: self.first_set(),
            mode: if self.job().is_some() { Mode::Recovery } else { Mode::Normal },
            attempts: Starts { a: of(SetName::A), b: of(SetName::B), recovery: attempts },
            copy: self.copy_on_trial().unwrap_or(self.recovery.first),
        }
    }

    /// Returns the set that the bootloader tries first.
    pub fn first_set(&self) -> SetName {
        self.trial.or(self.last_good).unwrap_or(SetName::A)
    }

    /// Returns the intent that waits for this drydock's recovery. One whose job only a later drydock knows is not among them.
    pub fn job(&self) -> Option<&Intent> {
        self.intent.as_ref().filter(|intent| intent.job.is_known())
    }

    /// Returns the intent that is left for a later drydock.
    pub fn foreign_job(&self) -> Option<&Intent> {
        self.intent.as_ref().filter(|intent| !intent.job.is_known())
    }

    /// Returns the copy of the recovery that was written, and has not run yet.
    pub fn copy_on_trial(&self) -> Option<CopyName> {
        match self.job()?.job {
            Job::UpdateRecovery { written, .. } => written,
            _ => None,
        }
    }

    /// Returns the set that an update may overwrite: never the last good one.
    pub fn target_set(&self) -> SetName {
        self.last_good.map_or(SetName::B, SetName::other)
    }

    /// Returns the set that a job is about, if it is about one.
    pub fn target_of(&self, job: &Job) -> Option<SetName> {
        matches!(job, Job::Update { .. }).then(|| self.target_set())
    }

    /// Adds a history entry, dropping the oldest ones beyond [`HISTORY_LIMIT`].
    pub fn remember(&mut self, entry: Entry) {
        self.history.push(entry);
        let excess = self.history.len().saturating_sub(HISTORY_LIMIT);
        self.history.drain(..excess);
    }

    /// Returns the entry with the outcome of an intent, if it is in the history already.
    pub fn outcome_of(&self, intent: u64) -> Option<&Entry> {
        self.history.iter().rev().find(|e| e.intent == intent && e.outcome.ends_intent())
    }
}
