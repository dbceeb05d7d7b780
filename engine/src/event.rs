//! Everything that happens, as one stream of typed events.
//!
//! The console renders the stream as lines, and the state's history keeps how it ended.
//! Sending an event never blocks and never fails: no reader, however slow or absent, holds up the work.

use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A step of a recovery boot, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Finding the disk and its partitions.
    Discover,
    /// Reading the state and making the boot environment agree with it.
    State,
    /// Unlocking the encrypted volumes.
    Unlock,
    /// Opening what the bundle comes from.
    Source,
    /// Fetching what the device lacks of a bundle.
    Fetch,
    /// Checking the bundle's signatures and whether it fits this device.
    Verify,
    /// Writing a slot.
    Write,
    /// Reading a slot back through dm-verity.
    Prove,
    /// Trailers, state, boot environment.
    Commit,
    /// Making `data` new, or wiping a partition.
    Reset,
    /// Starting what comes next.
    HandOver,
}

/// Which start of which intent events belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The intent's id.
    pub intent: u64,
    /// The number of this start of recovery for it, from 1.
    pub attempt: u32,
}

/// In what progress is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes.
    Bytes,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A step begins.
    Started {
        /// Which.
        step: Step,
        /// With what.
        what: String,
    },
    /// The executor begins a step of a job.
    Step {
        /// The phase of the job that it belongs to.
        step: Step,
        /// With what.
        what: String,
        /// Its number in the job, from 1.
        number: usize,
        /// How many steps the job has.
        of: usize,
        /// What it is for.
        why: &'static str,
        /// What must hold before it.
        needs: &'static str,
        /// What is on stable storage when it has ended well.
        durable: &'static str,
    },
    /// There was nothing to do for a step.
    Skipped {
        /// Which.
        step: Step,
        /// With what.
        what: String,
        /// Why.
        why: String,
    },
    /// A step goes on. Rate-limited by the sender.
    Progress {
        /// Which.
        step: Step,
        /// With what.
        what: String,
        /// How much is done.
        done: u64,
        /// How much there is in all.
        total: u64,
        /// Of what.
        unit: Unit,
    },
    /// A step has ended well.
    Finished {
        /// Which.
        step: Step,
        /// With what.
        what: String,
    },
    /// A step has failed.
    Failed {
        /// Which.
        step: Step,
        /// Why.
        reason: String,
    },
    /// Something could not be used, and another one is tried.
    Retry {
        /// What, and why not.
        reason: String,
    },
    /// Something a person should know; the work goes on.
    Warning {
        /// What.
        text: String,
    },
    /// A bundle was checked, and this is what an update by it would do.
    Verified {
        /// The release.
        version: String,
        /// Its security version.
        security_version: u32,
        /// What each slot would get.
        slots: Vec<PlannedSlot>,
        /// Whether a copy of the recovery follows, once the new set is marked good.
        recovery: bool,
    },
    /// What the device lacks of a bundle was fetched.
    Fetched {
        /// The release.
        version: String,
        /// The file that holds it.
        path: String,
        /// How many bytes of the bundle came.
        received: u64,
        /// How many of its bytes are there.
        there: u64,
        /// How many it has in all.
        length: u64,
    },
    /// A bundle is staged.
    Staged {
        /// The intent's id.
        id: u64,
        /// The release.
        version: String,
    },
    /// Something worth telling.
    Note {
        /// What.
        text: String,
    },
    /// A hook of the integrator's has said something.
    #[cfg(feature = "hooks")]
    Said {
        /// Which.
        hook: String,
        /// A line of printable ASCII.
        text: String,
    },
}

/// What a slot would get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedSlot {
    /// The slot's label.
    pub label: String,
    /// The image's size in bytes.
    pub size: u64,
    /// The image's root hash.
    pub root_hash: String,
    /// Whether the set that runs has it already, so that it is copied from there.
    pub copied: bool,
}

/// Where events go.
pub trait Events: Send + Sync {
    /// Takes an event. Never blocks, never fails.
    fn send(&self, event: Event);

    /// From now on events belong to this start of an intent, or to none.
    fn belongs_to(&self, _attempt: Option<Attempt>) {}

    /// Returns what has been told so far, as lines of JSON, where that is remembered.
    fn journal(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Returns the same place for whoever outlives this reference. Without one of its own nothing is told.
    fn shared(&self) -> Arc<dyn Events> {
        Arc::new(Silent)
    }

    /// Tells that the next event may be this long in coming, so that the watchdog does not take it for a hang.
    fn allow(&self, _quiet: Duration) {}
}

/// Sending by name, also through a trait object.
impl dyn Events + '_ {
    /// Sends [`Event::Started`].
    pub fn started(&self, step: Step, what: impl fmt::Display) {
        self.send(Event::Started { step, what: what.to_string() });
    }

    /// Sends [`Event::Finished`].
    pub fn finished(&self, step: Step, what: impl fmt::Display) {
        self.send(Event::Finished { step, what: what.to_string() });
    }

    /// Sends [`Event::Warning`].
    pub fn warning(&self, text: impl fmt::Display) {
        self.send(Event::Warning { text: text.to_string() });
    }

    /// Sends [`Event::Note`].
    pub fn note(&self, text: impl fmt::Display) {
        self.send(Event::Note { text: text.to_string() });
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Discover => "discover",
            Self::State => "state",
            Self::Unlock => "unlock",
            Self::Source => "source",
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Write => "write",
            Self::Prove => "prove",
            Self::Commit => "commit",
            Self::Reset => "reset",
            Self::HandOver => "hand over",
        })
    }
}

impl fmt::Display for Event {
    /// One line for a person at 80 columns or a serial console.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { step, what } | Self::Step { step, what, .. } => write!(f, "{step:>9}  {what}"),
            Self::Skipped { step, what, why } => write!(f, "{step:>9}  {what}: {why}"),
            Self::Progress { step, what, done, total, unit: Unit::Bytes } => {
                let percent = (done * 100).checked_div(*total).unwrap_or(100);
                write!(f, "{step:>9}  {what}  {percent:3} %  {} of {} MiB", done >> 20, total >> 20)
            }
            Self::Finished { step, what } => write!(f, "{step:>9}  {what}: done"),
            Self::Failed { step, reason } => write!(f, "{step:>9}  FAILED: {reason}"),
            Self::Warning { text } | Self::Retry { reason: text } => write!(f, "  warning  {text}"),
            Self::Verified { version, .. } => write!(f, "           version {version} can be installed"),
            Self::Fetched { version, path, .. } => {
                write!(f, "           version {version} is in {path}")
            }
            Self::Staged { id, version } => {
                write!(f, "           version {version} is staged as intent {id}")
            }
            Self::Note { text } => write!(f, "           {text}"),
            #[cfg(feature = "hooks")]
            Self::Said { hook, text } => write!(f, "           {hook}: {text}"),
        }
    }
}

/// Returns a text for a terminal: whatever of it would control one is a question mark. Names of files on media, and what was
/// written of them, come from anybody.
pub fn calm(text: &str) -> String {
    let controls = |c: char| match c {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    text.chars().map(|c| if controls(c) { '?' } else { c }).collect()
}

/// Forgets every event.
#[derive(Debug, Default)]
pub struct Silent;

impl Events for Silent {
    fn send(&self, _event: Event) {}
}

#[cfg(test)]
mod tests {
    use super::calm;

    #[test]
    fn what_controls_a_terminal_is_a_question_mark_and_all_else_stays() {
        let name = "\u{1b}[2J\u{7}evil\u{9b}31m\u{202e}\r.drydock on /dev/sda1";
        assert_eq!(calm(name), "?[2J?evil?31m??.drydock on /dev/sda1");
        assert_eq!(calm("größe\n\tund mehr"), "größe\n\tund mehr");
    }
}
