//! One turn of the agent: what it works with, and why it may have to stop.

use super::host::{Answer, Credentials, Host, Method, Request};
use super::keeping;
use crate::context::RunningSet;
use crate::error::Error;
use crate::machine::{Machine, Random};
use crate::state::{Seen, Trust};
use drydock_config::Fleet;
use drydock_ddi::Status;
use drydock_state::Record;
use drydock_transfer::{Address, Trouble};
use std::time::Duration;

/// How soon the next turn is due where the server has something new.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// What a turn works with.
pub(super) struct Turn<'t, M> {
    pub(super) machine: &'t M,
    pub(super) host: &'t mut dyn Host,
    pub(super) config: &'t Fleet,
    pub(super) running: &'t RunningSet,
    /// What stands for this start of the kernel.
    pub(super) boot: String,
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When the next one is wanted, if not when the server is to be asked again anyway.
    pub(super) next: Option<Duration>,
    /// What the device does, for a person.
    pub(super) doing: String,
}

/// Why a turn ends before its end. The next one begins anew.
#[derive(Debug)]
pub(super) enum Stop {
    /// The server is away, or can't answer now.
    Away {
        /// For a person.
        what: String,
        /// For how long it wants to be left alone.
        after: Option<Duration>,
    },
    /// It does not want to speak with this device.
    Stranger(String),
    /// Something is wrong on the device.
    Here(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

impl Stop {
    /// No whole answer has come.
    pub(super) fn no_answer(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::Untrusted(_) => Self::Stranger(trouble.to_string()),
            _ => Self::Away { what: trouble.to_string(), after: None },
        }
    }

    /// An answer that can't be used.
    pub(super) fn unusable(error: impl ToString) -> Self {
        Self::Away { what: error.to_string(), after: None }
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Away { what, .. } | Self::Stranger(what) => what.clone(),
            Self::Here(error) => error.to_string(),
        }
    }
}

impl<M: Machine> Turn<'_, M> {
    /// Sends one request to a server that knows this device.
    pub(super) fn ask(
        &mut self,
        method: Method,
        address: Address,
        body: Option<String>,
        etag: Option<String>,
    ) -> Result<(Status, Answer), Stop> {
        let request = Request { method, address, etag, body, credentials: Credentials::Shown };
        let answer = self.host.ask(&request).map_err(|trouble| Stop::no_answer(&trouble))?;
        Ok((Status::of(answer.code, &answer.body), answer))
    }

    /// What an answer comes to that is not one to this question.
    pub(super) fn refused(&self, what: &str, status: Status, answer: &Answer) -> Stop {
        let after = answer.after.map(|after| Duration::from_secs(after.seconds(self.machine.now())));
        let what = format!("{what}: {}", Trouble::Status { status: answer.code, after: answer.after });
        match status {
            Status::Later | Status::Full => Stop::Away { what, after },
            _ => Stop::Stranger(what),
        }
    }

    /// The record as it is now, with what it says of the order noted.
    pub(super) fn look(&self) -> Result<Record, Stop> {
        let seen = Seen::look(self.machine)?;
        match seen.trust {
            Trust::Whole => Ok(keeping::look(self.machine, seen.record, &self.boot)?),
            Trust::ReadOnly(_) => Ok(seen.record),
        }
    }

    /// Whether anything can be kept.
    pub(super) fn can_remember(&self) -> Result<bool, Stop> {
        Ok(Seen::look(self.machine)?.trust == Trust::Whole)
    }

    /// Any number.
    pub(super) fn chance(&self) -> u32 {
        let mut bytes = [0; 4];
        // Without it the pauses of a fleet are alike, and nothing else is lost.
        let _ = self.machine.random(Random::Names, &mut bytes);
        u32::from_le_bytes(bytes)
    }
}
