//! What bundles are read from, and who provides it.

use crate::error::Error;
use drydock_format::{ReadAt, Tail};
use std::sync::Arc;
use std::time::Duration;

/// The bytes that a source stands for. They are on stable storage.
pub struct Found {
    /// The bytes.
    pub bytes: Arc<dyn ReadAt>,
    /// What may follow the bundle: on a raw partition, anything.
    pub tail: Tail,
    /// What tells these bytes from any that may lie there later: a file's inode, size and times. Nothing where that can't
    /// be told.
    pub stamp: Option<String>,
}

/// What may be what is looked for.
pub struct Candidate {
    /// What it is called for a person: `update.drydock on /dev/sda1`.
    pub name: String,
    /// Its bytes, or why they can't be had.
    pub found: Result<Found, Error>,
}

/// What is to be said of candidates that could not be used.
#[derive(Debug, Default)]
pub struct Tried {
    /// Why, one after the other.
    pub reasons: Vec<String>,
    /// Whether any of them could be read, and was refused.
    pub refused: bool,
}

/// Whether a candidate that can't be used is the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// There is only this one: its error is the answer.
    None,
    /// Another one may come.
    MayCome,
}

/// A way to a bundle: a file on `data`, removable media one after the other, a partition; later a network.
pub trait Provider {
    /// Returns how long the next candidate may be in coming. The watchdog waits as long.
    fn deadline(&self) -> Duration;

    /// Returns whether a candidate that can't be used may be followed by another one.
    fn others(&self) -> Others;

    /// Returns the next candidate, and nothing when time is over or there is no other one.
    fn next(&mut self) -> Result<Option<Candidate>, Error>;

    /// Is told that a candidate could be read, and was refused.
    fn refused(&mut self) {}

    /// Returns what to say where no candidate could be used.
    fn in_vain(&self, tried: Tried) -> Error;
}

/// The only candidate that a source has.
pub struct Only {
    candidate: Option<Candidate>,
    deadline: Duration,
}

impl Only {
    /// This one, which may take so long to be read from.
    pub fn new(candidate: Candidate, deadline: Duration) -> Self {
        Self { candidate: Some(candidate), deadline }
    }
}

impl Provider for Only {
    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn others(&self) -> Others {
        Others::None
    }

    fn next(&mut self) -> Result<Option<Candidate>, Error> {
        Ok(self.candidate.take())
    }

    fn in_vain(&self, tried: Tried) -> Error {
        Error::Refused(tried.reasons.join("; "))
    }
}
