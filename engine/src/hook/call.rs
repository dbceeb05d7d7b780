//! Calling a hook, and what its end means.

use super::facts::Facts;
use super::lines::Lines;
use super::planned::{Planned, Which};
use crate::error::Error;
use crate::event::Event;
use crate::machine::{Call, Ended, Machine, Power, Program};
use drydock_config::SlotClass;
use drydock_format::Image;
use drydock_state::SetName;
use std::time::Duration;

/// `EX_TEMPFAIL` of sysexits.h: it is too early.
const TOO_EARLY: i32 = 75;
/// How long to wait before a hook that finds it too early is called again.
const AGAIN: Duration = Duration::from_secs(10);
/// So much longer than its time limit a call may take.
const MORE: Duration = Duration::from_secs(30);

/// Where a hook's file comes from.
#[derive(Clone, Copy, Debug)]
pub enum Root<'r> {
    /// The root of this set.
    Of {
        /// The class of the root.
        class: &'r SlotClass,
        /// The set.
        set: SetName,
        /// The image that is in its slot.
        image: &'r Image,
    },
    /// The root of the live system.
    Live,
}

/// Calls a hook until it does not find it too early any more, or the wait is over. An error says why it refuses.
pub(super) fn call(
    machine: &impl Machine,
    planned: &Planned,
    root: Option<Root<'_>>,
    facts: &Facts<'_>,
) -> Result<(), Error> {
    let (limit, mut waited) = (Duration::from_secs(planned.wait_seconds), Duration::ZERO);
    let stopped = |why: String| Error::Stopped { by: format!("the hook {}", planned.name), why };
    loop {
        let ended = once(machine, planned, root, &facts.line())?;
        let Err(why) = verdict(&ended, planned) else { return Ok(()) };
        let left = limit.saturating_sub(waited);
        if ended != Ended::Exit(TOO_EARLY) || left.is_zero() {
            return Err(stopped(why));
        }
        let pause = left.min(AGAIN);
        machine.events().allow(pause);
        if machine.pause(pause) == Power::Off {
            return Err(stopped(why));
        }
        waited += pause;
    }
}

/// What an end means: 0 is a yes.
fn verdict(ended: &Ended, planned: &Planned) -> Result<(), String> {
    match ended {
        Ended::Exit(0) => Ok(()),
        Ended::Exit(TOO_EARLY) => Err("it is too early; try again later".into()),
        Ended::Exit(127) => {
            Err("it could not be started, which it has told; see `drydock log --recovery`".into())
        }
        Ended::Exit(code) => Err(format!("it ended with {code}; what it has told says why")),
        Ended::Signal(signal) => Err(format!(
            "signal {signal} ended it: it has a defect, or needs more than {} MiB",
            planned.memory_mib
        )),
        Ended::Late => Err(format!("it took longer than {} s, and was ended", planned.seconds)),
        Ended::NotRun(why) => Err(format!("it was not run: {why}")),
    }
}

fn once(
    machine: &impl Machine,
    planned: &Planned,
    root: Option<Root<'_>>,
    facts: &str,
) -> Result<Ended, Error> {
    let name = &planned.name;
    let bytes;
    let program = match (&planned.program, root) {
        (Which::Builtin(path), _) => Program::Builtin { path },
        (Which::Member(member, signed), _) => {
            bytes = Which::bytes(name, member, *signed)?;
            Program::Bytes(&bytes)
        }
        (Which::File(path), Some(Root::Live)) => Program::InLiveSystem { path },
        (Which::File(path), Some(Root::Of { class, set, image })) => {
            Program::InSet { class, set, image, path }
        }
        (Which::File(_), None) => {
            return Ok(Ended::NotRun("there is no root that it could come from".into()));
        }
    };
    let call = Call {
        program,
        arguments: &planned.arguments,
        facts,
        seconds: planned.seconds,
        memory_mib: planned.memory_mib,
        network: planned.network,
    };
    let events = machine.events();
    events.allow(Duration::from_secs(planned.seconds) + MORE);
    let mut lines = Lines::default();
    let mut tell = |line: &str| events.send(Event::Said { hook: name.clone(), text: line.into() });
    let ended = machine.call_hook(&call, &mut |piece| lines.take(piece, &mut tell));
    lines.finish(&mut tell);
    ended
}
