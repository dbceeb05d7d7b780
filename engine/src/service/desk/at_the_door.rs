//! What is done without a key, and what for the answer to a challenge.

use super::{Desk, Entry};
use crate::error::Error;
use crate::machine::Machine;
use crate::service::confirm::title;
use crate::service::keeper::{Answered, Before};
use crate::service::screen::{Action, Screen};
use crate::state::State;

impl Desk {
    /// Does what is asked for, if it may be done without more ado.
    pub(super) fn admit(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        at: usize,
        action: Action,
        epoch: Option<u64>,
    ) -> Result<Entry, Error> {
        let Some(console) = self.dialogues.get(at).map(|dialogue| dialogue.console) else {
            return Ok(Entry::Nothing);
        };
        match self.keeper.ask(machine, console, action.request()) {
            Before::Free => return self.perform(machine, state, at, &action, epoch),
            Before::Challenge(line) => {
                let epoch = epoch.unwrap_or(self.epoch);
                self.show(at, Screen::Challenge { action, epoch, line, wrong: String::new() });
            }
            Before::Never(why) => self.show(at, Screen::Told(why)),
        }
        Ok(Entry::Made)
    }

    /// Takes a line of the answer to what is asked at a console, and does what was asked for where it is right.
    pub(super) fn answer(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        at: usize,
        line: &str,
    ) -> Result<Entry, Error> {
        let asked = self.dialogues.get(at).map(|dialogue| (dialogue.console, dialogue.screen.clone()));
        let Some((console, Screen::Challenge { action, epoch, line: challenge, .. })) = asked else {
            return Ok(Entry::Nothing);
        };
        match self.keeper.answer(machine, state, console, line) {
            Answered::GoesOn => {
                machine.tell(console, "more> ");
                return Ok(Entry::Part);
            }
            Answered::Again(wrong) => {
                self.show(at, Screen::Challenge { action, epoch, line: challenge, wrong });
            }
            Answered::Refused(why) => self.show(at, Screen::Told(why)),
            Answered::Admitted(key) => {
                machine.events().note(format_args!("{}: admitted by the key {key}", title(&action)));
                let epoch = action.word().map(|_| epoch);
                return self.perform(machine, state, at, &action, epoch);
            }
        }
        Ok(Entry::Made)
    }
}
