//! Staying: where nothing is gained by resetting the machine it stays, says why, and goes on by itself as soon as it can.

use crate::context::End;
#[cfg(feature = "service")]
use crate::context::Next;
use crate::error::Error;
use crate::event::{Event, Step};
use crate::machine::{Machine, Power};
#[cfg(feature = "service")]
use crate::service::{Desk, Left};
use crate::state::{State, Trust};
use crate::{recover, start};
use drydock_config::DataFailure;
use drydock_state::{CopyName, SetName, transition};
use std::time::Duration;

/// The pauses between tries while no set is bootable: the first one, and the longest.
const UNTIL_RESCUED: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(640)];
/// The pauses between tries to open a volume: the first one, and the longest. A key medium that comes is noticed within
/// it.
const UNTIL_OPEN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
/// What a person types to have all data made new.
const RESET: &[u8] = b"reset";

/// Nothing is bootable: says so on every console, and looks for a bundle that mends it, again and again. Returns when one
/// is installed. Meanwhile there is the menu, where the configuration has one.
pub(crate) fn until_rescued(
    machine: &impl Machine,
    state: &mut State,
    why: &str,
    copy: Option<CopyName>,
) -> Result<End, Error> {
    let events = machine.events();
    let [mut pause, longest] = UNTIL_RESCUED;
    let mut meanwhile = Meanwhile::new(machine, copy);
    loop {
        events.send(Event::Failed { step: Step::HandOver, reason: why.into() });
        // Nobody is heard while a medium is waited for that may never come: where there is a menu, it is noticed anyhow.
        machine.wait_for_media(!meanwhile.listens());
        let rescued = recover::rescue(machine, state);
        machine.wait_for_media(true);
        if rescued? {
            return Ok(End::Rescued(why.into()));
        }
        events.note(format_args!("next try in {} s", pause.as_secs()));
        if let Some(end) = meanwhile.pause(machine, state, why, pause)? {
            return Ok(end);
        }
        pause = (pause * 2).min(longest);
    }
}

/// What a device does between two tries.
#[cfg(feature = "service")]
struct Meanwhile(Option<Desk>);

#[cfg(not(feature = "service"))]
struct Meanwhile;

impl Meanwhile {
    #[cfg(feature = "service")]
    fn new(machine: &impl Machine, copy: Option<CopyName>) -> Self {
        Self(Desk::open(machine, copy))
    }

    #[cfg(not(feature = "service"))]
    fn new(_machine: &impl Machine, _copy: Option<CopyName>) -> Self {
        Self
    }

    #[cfg(feature = "service")]
    fn listens(&self) -> bool {
        self.0.is_some()
    }

    #[cfg(not(feature = "service"))]
    fn listens(&self) -> bool {
        false
    }

    /// Listens, where there is a menu: until the time is over, a medium has come, or something was done that ends the boot,
    /// which is returned.
    #[cfg(feature = "service")]
    fn pause(
        &mut self,
        machine: &impl Machine,
        state: &mut State,
        why: &str,
        pause: Duration,
    ) -> Result<Option<End>, Error> {
        let Some(desk) = &mut self.0 else { return Ok(just_pause(machine, why, pause)) };
        Ok(match desk.serve(machine, state, Some(why), pause)? {
            Left::Ended(end) => Some(end),
            Left::Idle | Left::MediaCame => None,
            Left::GoOn => match recover::next(machine, state) {
                Next::Stay(_) => None,
                next => Some(End::Reset(next)),
            },
        })
    }

    #[cfg(not(feature = "service"))]
    fn pause(
        &mut self,
        machine: &impl Machine,
        _state: &mut State,
        why: &str,
        pause: Duration,
    ) -> Result<Option<End>, Error> {
        Ok(just_pause(machine, why, pause))
    }
}

fn just_pause(machine: &impl Machine, why: &str, pause: Duration) -> Option<End> {
    machine.events().allow(pause);
    (machine.pause(pause) == Power::Off).then(|| End::SwitchedOff(why.into()))
}

/// What became of waiting for a set's volumes.
pub(crate) enum Waited {
    /// The set's root is assembled.
    Ready,
    /// The boot ends otherwise: a person has asked for a factory reset, which the next one does.
    Ended(End),
}

/// Assembles the set's root. Where a volume can't be opened, and the configuration says so, it stays here until one
/// can be, or until a person asks for a factory reset. A set on trial is not waited for: the bootloader goes back to the
/// one that was good.
pub(crate) fn assemble_root(
    machine: &impl Machine,
    state: &mut State,
    set: SetName,
) -> Result<Waited, Error> {
    let events = machine.events();
    let stays = machine.config().data.as_ref().is_none_or(|data| data.on_failure == DataFailure::Recovery)
        && state.record.trial != Some(set);
    let [mut pause, longest] = UNTIL_OPEN;
    let mut told = false;
    loop {
        let error = match start::assemble_root(machine, set, &state.record.floors) {
            Err(error) if stays && error.is_locked() => error,
            outcome => return outcome.map(|()| Waited::Ready),
        };
        start::take_apart(machine);
        events.send(Event::Failed { step: Step::Unlock, reason: error.to_string() });
        if !told {
            told = true;
            remember(machine, state, set, &error);
        }
        events.note("this device stays here until that is mended, and goes on by itself then");
        events.allow(pause);
        let seconds = pause.as_secs();
        let prompt =
            format!("Enter tries again now (else in {seconds} s); `reset` and Enter: factory reset: ");
        match machine.line(&prompt, pause) {
            Ok(typed) if typed.trim_ascii() == RESET => match confirm_reset(machine, state) {
                Ok(true) => return Ok(Waited::Ended(End::ResetAsked)),
                Ok(false) => {}
                Err(error) => events.warning(error),
            },
            Ok(_) | Err(Power::On) => {}
            Err(Power::Off) => return Ok(Waited::Ended(End::SwitchedOff(error.to_string()))),
        }
        pause = (pause * 2).min(longest);
    }
}

/// Leaves word in the history, once for each reason, and gives the set the start back that this boot has used: it is not
/// at fault. A disk that takes no writes is no reason not to wait.
fn remember(machine: &impl Machine, state: &mut State, set: SetName, why: &Error) {
    let mut written = state.give_back(set);
    if *state.trust() == Trust::Whole
        && transition::not_started_once(&mut state.record, set, &why.to_string(), machine.now())
    {
        written = written.and(state.save_record());
    }
    if let Err(error) = written {
        machine.events().warning(error);
    }
}

/// Asks on all consoles whether the factory reset from the bootloader's menu is meant. Anything but a yes, and above all
/// silence, means no. Returns whether it is staged now.
pub(crate) fn confirm_reset(machine: &impl Machine, state: &mut State) -> Result<bool, Error> {
    let limit = machine.config().factory_reset.confirm_seconds.as_duration();
    machine.events().allow(limit);
    let question =
        format!("Factory reset: ALL DATA ON THIS DEVICE WILL BE LOST. Go on? ({} s)", limit.as_secs());
    if machine.confirm(&question, limit) != Some(true) {
        machine.events().note("no factory reset, everything stays as it is");
        return Ok(false);
    }
    transition::stage_reset(&mut state.record, machine.now())?;
    state.save()?;
    Ok(true)
}
