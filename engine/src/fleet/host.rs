//! What the agent needs of the live system that it runs in.

use crate::error::Error;
use crate::fetch::Fetched;
use drydock_state::Source;
use drydock_transfer::{Address, RetryAfter, Trouble};
use std::time::Duration;

/// The live system, as the agent sees it: a network, a gate, and the way to a restart.
pub trait Host {
    /// Sends one request, and returns what came back, whatever its status: at most [`drydock_ddi::MAX_ANSWER`] bytes of it and
    /// one more. Redirects are not followed. Each stage has its limit, so that it returns.
    ///
    /// # Errors
    /// There was no whole answer. Whether the server has the request is not known then.
    fn ask(&mut self, request: &Request) -> Result<Answer, Trouble>;

    /// Fetches what the device lacks of a bundle, in the background, by [`crate::fetch::fetch`]. With this device's
    /// credentials where they are shown. Returns where recovery will find it.
    fn fetch(&mut self, from: &Address, credentials: Credentials) -> Result<(Source, Fetched), Error>;

    /// Returns what stands for this start of the kernel, and for no other.
    fn boot(&self) -> String;

    /// Returns the time since some fixed moment, which no setting of the clock changes.
    fn since(&self) -> Duration;

    /// Asks the device's own gate whether it may restart now. A text says why not.
    fn gate(&mut self) -> Result<(), String>;

    /// Restarts the device. It returns before that happens, or with the reason why it can't.
    fn restart(&mut self) -> Result<(), Error>;
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// With what.
    pub address: Address,
    /// What the server's answer was known by; it sends none if it is still the same.
    pub etag: Option<String>,
    /// JSON, where something is sent.
    pub body: Option<String>,
    /// Whether the server is told who this device is.
    pub credentials: Credentials,
}

/// What is done with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It is read.
    Get,
    /// Something is added to it.
    Post,
    /// It is replaced.
    Put,
}

/// Whether a server is told who this device is: its token, its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// It is.
    Shown,
    /// It is not: it is none of ours.
    Hidden,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub code: u16,
    /// What the answer is known by.
    pub etag: Option<String>,
    /// When the server wants to be asked again, if it says so.
    pub after: Option<RetryAfter>,
    /// What it says.
    pub body: Vec<u8>,
}
