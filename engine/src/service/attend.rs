//! The menu before a device hands over that had nobody's job to do.

use super::desk::Desk;
use super::leaving::Left;
use crate::context::End;
use crate::error::Error;
use crate::journal;
use crate::machine::Machine;
use crate::state::{State, Trust};
use drydock_state::CopyName;

/// How a device goes on after its menu.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attended {
    /// As it would have without one, by what the state says now.
    GoesOn,
    /// The boot ends so.
    Ends(End),
}

/// Listens on all consoles, if the configuration has a menu, until nobody has made an entry for as long as it says. What was
/// told meanwhile is kept for whoever asks later.
pub(crate) fn attend(
    machine: &impl Machine,
    state: &mut State<'_>,
    copy: Option<CopyName>,
) -> Result<Attended, Error> {
    let Some(mut desk) = Desk::open(machine, copy) else { return Ok(Attended::GoesOn) };
    let patience = desk.patience();
    let left = desk.serve(machine, state, None, patience)?;
    if *state.trust() == Trust::Whole {
        journal::keep(machine);
    }
    Ok(match left {
        Left::Ended(end) => Attended::Ends(end),
        Left::Idle | Left::MediaCame | Left::GoOn => Attended::GoesOn,
    })
}
