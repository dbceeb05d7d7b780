//! Where something is done for an entry of the menu, and how whoever has asked for it follows it and ends it.

use crate::error::Error;
use crate::machine::{ConsoleId, Heard, Machine};
use drydock_state::CopyName;
use std::time::Duration;

/// Where something is done: the machine, and who watches.
pub(super) struct Scene<'m, M> {
    /// The machine.
    pub(super) machine: &'m M,
    /// The copy of the recovery that runs, if it is one and the bootloader has said which.
    pub(super) copy: Option<CopyName>,
    /// The console that it was asked for at, if it was.
    pub(super) console: Option<ConsoleId>,
    /// Who is told elsewhere that what was asked for is begun.
    pub(super) begun: Option<&'m dyn Fn(&str)>,
}

impl<M: Machine> Scene<'_, M> {
    /// Returns the console that it was asked for at.
    pub(super) fn console(&self) -> Result<ConsoleId, Error> {
        self.console.ok_or_else(|| Error::Refused("no console has asked for it".into()))
    }

    /// Says how far something long is, at the console that it was asked for at.
    pub(super) fn say(&self, text: &str) {
        if let Some(console) = self.console {
            self.machine.tell(console, &format!("{text}\n"));
        }
    }

    /// Says, where it is not seen at a console, that all is well so far, and what is done now.
    pub(super) fn begin(&self, text: &str) {
        if let Some(begun) = self.begun {
            begun(text);
        }
    }

    /// Whether somebody wants something long to end: by Enter, at the console that it was asked for at.
    pub(super) fn is_stopped(&self) -> bool {
        match self.machine.hear(Duration::ZERO) {
            Heard::Line { console, .. } if Some(console) != self.console => {
                self.machine.tell(console, "Somebody else is busy with the device; wait for that.\n");
                false
            }
            Heard::Line { .. } | Heard::Off => true,
            Heard::Nothing => false,
        }
    }
}
