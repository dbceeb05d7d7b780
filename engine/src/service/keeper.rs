//! Who lets a person at a console do what: between the menu and [access by key](super::access).

use super::access::{self, admit_into};
use super::name::device_name;
use crate::error::Error;
use crate::machine::{ConsoleId, Machine};
use crate::state::State;
use drydock_access::{Answer, Door, Place, Request};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who decides. All consoles, and the page on the LAN, share the door.
pub(super) struct Keeper {
    door: Mutex<Door>,
    asked: Vec<Asked>,
}

/// What is asked at a console, and what of the answer has been typed.
struct Asked {
    console: ConsoleId,
    request: Request,
    typed: String,
}

/// What is to be done before something may be.
pub(super) enum Before {
    /// Nothing.
    Free,
    /// To answer this challenge, a line of printable ASCII.
    Challenge(String),
    /// It can't be had; the text says why.
    Never(String),
}

/// What came of a line of an answer.
pub(super) enum Answered {
    /// It is right: whoever has the key of this name may.
    Admitted(String),
    /// The answer goes on in the next line.
    GoesOn,
    /// It is not right; the text says why. Another one is waited for.
    Again(String),
    /// It is not right, or its key may not be used; the text says why. Nothing is asked any more.
    Refused(String),
}

impl Keeper {
    /// Whoever the configuration of this device lets in.
    pub(super) fn new(machine: &impl Machine) -> Self {
        let name = device_name(machine, machine.disk_guid().as_deref());
        Self { door: Mutex::new(access::door(machine, name)), asked: Vec::new() }
    }

    /// Returns what a person at this console has to do for what is asked for.
    pub(super) fn ask(&mut self, machine: &impl Machine, console: ConsoleId, request: Request) -> Before {
        if !access::needs_key(machine.config(), request.verb) {
            return Before::Free;
        }
        self.withdraw(console);
        match access::ask(machine, &self.door, place(console), request.clone(), machine.since_start()) {
            Ok(challenge) => {
                self.asked.push(Asked { console, request, typed: String::new() });
                Before::Challenge(challenge.line().to_owned())
            }
            Err(error) => Before::Never(error.to_string()),
        }
    }

    /// Takes a line of the answer to what was asked at this console last. Where it is right, its use is counted and in the
    /// history, on stable storage, on return.
    pub(super) fn answer(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        console: ConsoleId,
        line: &str,
    ) -> Answered {
        let Some(asked) = self.asked.iter_mut().find(|asked| asked.console == console) else {
            return Answered::Refused("nothing was asked here".into());
        };
        asked.typed.push_str(line);
        asked.typed.push('\n');
        if Answer::wants_more(&asked.typed) {
            return Answered::GoesOn;
        }
        let typed = std::mem::take(&mut asked.typed);
        let now = machine.since_start();
        let error = match admit_into(machine, state, &self.door, place(console), &asked.request, &typed, now)
        {
            Ok(admitted) => {
                self.withdraw(console);
                return Answered::Admitted(admitted.key_name);
            }
            Err(error) => error,
        };
        if self.at_the_door().asks(place(console)) {
            return Answered::Again(error.to_string());
        }
        self.withdraw(console);
        Answered::Refused(match error {
            Error::Access(_) => error.to_string(),
            error => format!("nobody is let in: {error}"),
        })
    }

    /// What has been typed of an answer at this console is none: the next line begins one.
    pub(super) fn begin_again(&mut self, console: ConsoleId) {
        if let Some(asked) = self.asked.iter_mut().find(|asked| asked.console == console) {
            asked.typed.clear();
        }
    }

    /// The door, for those who come by another way than a console.
    #[cfg(feature = "lan")]
    pub(super) fn door(&self) -> &Mutex<Door> {
        &self.door
    }

    /// What was asked at this console is not wanted any more.
    pub(super) fn withdraw(&mut self, console: ConsoleId) {
        self.asked.retain(|asked| asked.console != console);
        self.at_the_door().withdraw(place(console));
    }

    fn at_the_door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A console as the door knows it. There are never so many that two are one.
fn place(console: ConsoleId) -> Place {
    Place::Console(u8::try_from(console.0).unwrap_or(u8::MAX))
}
