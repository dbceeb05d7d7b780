//! A good set whose volumes can't be opened: nothing is gained by resetting the machine, so it stays, says why, and goes
//! on by itself as soon as it can.

use crate::console::Console;
use crate::hardware::Hardware;
use crate::start;
use drydock_config::DataFailure;
use drydock_engine::Error;
use drydock_engine::event::{Event, Step};
use drydock_engine::machine::Machine;
use drydock_engine::state::{State, Trust};
use drydock_state::{SetName, transition};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The pauses between tries: the first one, and the longest. A key medium that comes is noticed within it.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
/// What a person types to have all data made new.
const RESET: &[u8] = b"reset";

/// What became of waiting.
pub enum Waited {
    /// The set's root is put together.
    Ready(PathBuf),
    /// A person has asked for a factory reset, which the next boot does.
    Reset,
}

/// Puts the set's root together. Where a volume can't be opened, and the configuration says so, it stays here until one
/// can be, or until a person asks for a factory reset. A set on trial is not waited for: the bootloader goes back to the
/// one that was good.
pub fn prepare_root(
    machine: &Hardware<'_>,
    state: &mut State,
    set: SetName,
    confirm: impl Fn(&mut State) -> Result<bool, Error>,
) -> Result<Waited, Error> {
    let stays = machine.config().data.as_ref().is_none_or(|data| data.on_failure == DataFailure::Recovery)
        && state.record.trial != Some(set);
    let [mut pause, longest] = PAUSES;
    let mut told = false;
    loop {
        let error = match start::prepare_root(machine, set, &state.record.floors) {
            Err(error) if stays && error.is_locked() => error,
            outcome => return outcome.map(Waited::Ready),
        };
        start::take_apart(machine);
        machine.events().send(Event::Failed { step: Step::Unlock, reason: error.to_string() });
        if !told {
            told = true;
            remember(machine, state, set, &error);
        }
        machine.events().note("this device stays here until that is mended, and goes on by itself then");
        machine.events().allow(pause);
        if asks_for_reset(machine.console(), pause) {
            match confirm(state) {
                Ok(true) => return Ok(Waited::Reset),
                Ok(false) => {}
                Err(error) => machine.events().warning(error),
            }
        }
        pause = (pause * 2).min(longest);
    }
}

/// Leaves word in the history, once for each reason, and gives the set the start back that this boot has used: it is not
/// at fault. A disk that takes no writes is no reason not to wait.
fn remember(machine: &Hardware<'_>, state: &mut State, set: SetName, why: &Error) {
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

/// Waits for so long, and says whether somebody has typed the word. What is typed is not shown: it may be a passphrase
/// that comes too late.
fn asks_for_reset(console: &Console, pause: Duration) -> bool {
    let deadline = Instant::now() + pause;
    let seconds = pause.as_secs();
    let prompt = format!("Enter tries again now (else in {seconds} s); `reset` and Enter: factory reset: ");
    let typed = console.passphrase(&prompt, pause);
    if typed.is_none() {
        // There may be nobody to ask.
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
    }
    typed.is_some_and(|typed| typed.trim_ascii() == RESET)
}
