//! What a transfer needs of whoever has a network.

use crate::error::Error;
use drydock_state::UnixTime;
use drydock_transfer::{Asked, Etag, Trouble};
use std::time::Duration;

/// Takes bytes of the file, and where in it they begin. An error ends the transfer.
pub type Take<'t> = &'t mut dyn FnMut(u64, &[u8]) -> Result<(), Error>;

/// What is known of the file once a server has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its length in bytes.
    pub length: u64,
    /// Its tag, if it has a strong one.
    pub etag: Option<Etag>,
}

/// Why one request did not bring what was asked for.
#[derive(Debug)]
pub enum Failed {
    /// The network or the server.
    There(Trouble),
    /// What became of the bytes here.
    Here(Error),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::There(trouble)
    }
}

/// A file on one or more servers that can be asked for ranges.
pub trait Remote: Send {
    /// Returns what each mirror is called for a person, the first one first. There is at least one.
    fn mirrors(&self) -> Vec<String>;

    /// Asks a mirror once, and hands over what comes. Each stage has its limit, so that it returns.
    fn get(&mut self, mirror: usize, asked: &Asked, take: Take<'_>) -> Result<Contact, Failed>;
}

/// Time, and chance, for whoever waits between tries.
pub trait Pace: Send + Sync {
    /// Returns the time by the device's clock.
    fn now(&self) -> UnixTime;

    /// Returns the time since some fixed moment, which no setting of the clock changes.
    fn since(&self) -> Duration;

    /// Waits.
    fn pause(&self, time: Duration);

    /// Returns any number.
    fn chance(&self) -> u32;
}
