//! A transfer, as whoever has the line sees it.

use std::fmt;
use std::time::Duration;

/// How often a transfer wants to be told the time.
pub const TICK: Duration = Duration::from_millis(200);

/// A transfer. All times are since the same moment, whichever that is.
pub trait Session {
    /// Takes what came from the line, and is told the time; without any bytes only that. It wants to be told every [`TICK`].
    fn feed(&mut self, bytes: &[u8], now: Duration);

    /// Returns what is to be sent next; nothing where nothing is.
    fn outgoing(&mut self) -> &[u8];

    /// Is told that so many bytes of it were sent.
    fn sent(&mut self, len: usize);

    /// Returns how it ended, once it has. What is still outgoing then ought to be sent.
    fn ended(&self) -> Option<Ended>;
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// In order, with so many whole files.
    Done {
        /// How many files have come, or were taken.
        files: u32,
    },
    /// Otherwise.
    Failed(Failed),
}

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Nobody has begun.
    NobodyBegan,
    /// It stood still for too long.
    StoodStill,
    /// The other side has cancelled it.
    Cancelled,
    /// Who takes or gives the file has stopped it.
    Stopped,
    /// The other side has lost the thread: it sends what was not asked for.
    OutOfStep,
    /// The file had another length than was said.
    Length,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NobodyBegan => "nobody began the transfer; start it at your end",
            Self::StoodStill => "the transfer stood still; check the line, and start it again",
            Self::Cancelled => "the other end cancelled the transfer",
            Self::Stopped => "the transfer was stopped here",
            Self::OutOfStep => "the other end sent what was not asked for; start it again",
            Self::Length => "the file is longer or shorter than was said; start it again",
        })
    }
}

/// How long a transfer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// For the other end to begin.
    pub begin: Duration,
    /// For any progress.
    pub progress: Duration,
    /// Before it asks again.
    pub again: Duration,
}

impl Default for Times {
    /// Two minutes for a person to begin; a minute without progress, which is much even at 2,400 baud; 4 seconds before it
    /// asks again.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { begin: seconds(120), progress: seconds(60), again: seconds(4) }
    }
}
