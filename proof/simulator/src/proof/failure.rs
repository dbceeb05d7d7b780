//! What may go wrong with a device.

use std::fmt;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    /// What it is.
    pub what: String,
}

/// The kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The device does not come up.
    Bricked,
    /// What runs, or would run, is neither the old nor the new system.
    Half,
    /// The record, the history or a trailer tells what is not so.
    Lie,
    /// What was promised did not happen, or what must never be done was done.
    Broken,
}

impl Kind {
    pub(super) fn of<T>(self, what: impl Into<String>) -> Result<T, Failure> {
        Err(Failure { kind: self, what: what.into() })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}
