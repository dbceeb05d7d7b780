//! How the dialogues on all consoles end.

use super::act::Done;
use crate::context::End;
use crate::event::Step;
use crate::machine::Machine;
use crate::recover;
use crate::state::State;

/// Why nobody is listened to any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nobody has made an entry for long enough.
    Idle,
    /// A medium has come.
    MediaCame,
    /// Somebody has asked to go on, or has had something done that the device goes on after.
    GoOn,
    /// The boot ends so.
    Ended(End),
}

/// How the boot goes on after what ends all dialogues.
pub(super) fn ending(machine: &impl Machine, state: &State<'_>, done: Done) -> Left {
    match done {
        Done::SwitchOff => {
            machine.events().finished(Step::HandOver, "the device is switched off");
            machine.switch_off();
            Left::Ended(End::SwitchedOff("somebody has asked for it".into()))
        }
        Done::Restart => {
            machine.events().finished(Step::HandOver, "reset, as somebody has asked");
            Left::Ended(End::Reset(recover::next(machine, state)))
        }
        Done::HandOver | Done::Told(_) | Done::Shown(_) | Done::Refused(_) => Left::GoOn,
    }
}
