//! What is done for an entry of the menu: by the code that does it for the commands of the live system, and for an intent.

use super::scene::Scene;
use super::screen::{Action, Screen};
use super::{check, papers};
use crate::context::Reason;
use crate::error::Error;
use crate::history::Line;
use crate::machine::{ByHand, Machine};
use crate::recover;
use crate::release;
use crate::state::{State, Trust};
use crate::update::{self, Look, Prepared};
use crate::volume::data;
use drydock_format::Digest;
use drydock_state::transition::{self, successor};
use drydock_state::{Job, Outcome, Record, SetName, Source, UnixTime};
use std::sync::Arc;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The device stays in the menu, and this is to be said.
    Told(String),
    /// The same: it was refused, or has failed.
    Refused(String),
    /// The device stays in the menu, and this is to be shown.
    Shown(Screen),
    /// The device goes on.
    HandOver,
    /// It is to be switched off.
    SwitchOff,
    /// It is to be reset.
    Restart,
}

/// Does it. What is refused or fails is told, and leaves the device as it was or as a failed intent would. An error means
/// that the memory itself can't be read or written.
pub(super) fn act<M: Machine>(
    scene: &mut Scene<'_, M>,
    state: &mut State<'_>,
    action: &Action,
) -> Result<Done, Error> {
    let machine = scene.machine;
    let staged = match action {
        Action::Install(offer) => {
            let meant =
                update::prepare(machine, &state.record, &offer.source, Some(offer.digest), Look::Quick);
            meant.and_then(|prepared| stage(machine, state, &offer.source, prepared))
        }
        Action::Upload => receive(scene, state),
        Action::FactoryReset => change(machine, state, transition::stage_reset),
        Action::Wipe(label) => {
            let job = Job::Wipe { label: label.clone() };
            change(machine, state, |record, now| transition::stage(record, job, "", now))
        }
        Action::RollBack => {
            let given_up = state.record.first_set();
            return Ok(told(take_over(machine, state, given_up, transition::roll_back)));
        }
        Action::MarkBad(set) => {
            let mark_bad = |record: &mut Record, now| transition::mark_bad(record, *set, now);
            return Ok(told(take_over(machine, state, *set, mark_bad)));
        }
        Action::TestNetwork(server) => {
            return Ok(told(test_network(scene, server.as_deref())));
        }
        Action::FindLinks => {
            return Ok(machine.links().map_or_else(
                |error| Done::Told(error.to_string()),
                |links| Done::Shown(Screen::Links { links: Arc::new(links), page: 0 }),
            ));
        }
        Action::SetNetworkUp(by_hand) => return Ok(told(set_network_up(scene, by_hand.clone()))),
        Action::CheckDisk => return Ok(Done::Told(check::disk(scene))),
        Action::CheckMemory => return Ok(Done::Told(check::memory(scene))),
        Action::AskHealth => return Ok(Done::Told(machine.health().join("; "))),
        Action::TakeLogs => return Ok(told(papers::leave(machine, state))),
        Action::SendLogs => return Ok(told(papers::send(scene, state))),
        Action::PowerOff => return Ok(Done::SwitchOff),
        Action::Restart => return Ok(Done::Restart),
        Action::Look(_) => return Ok(Done::Told(String::new())),
    };
    match staged {
        Ok(id) => {
            scene.begin("It is done now; see below how it goes.");
            carry_out(scene, state, id)
        }
        Err(error) => Ok(Done::Refused(error.to_string())),
    }
}

fn test_network<M: Machine>(scene: &Scene<'_, M>, server: Option<&str>) -> Result<String, Error> {
    let mut lines = Vec::new();
    scene.machine.test_network(server, &mut |line| {
        scene.say(&super::page::harmless(&line, super::page::COLUMNS));
        lines.push(line);
    })?;
    Ok(format!("It works. {}", lines.join("; ")))
}

/// Sets the network up for this recovery, and tries it.
fn set_network_up<M: Machine>(scene: &Scene<'_, M>, by_hand: Option<ByHand>) -> Result<String, Error> {
    let machine = scene.machine;
    let how = by_hand.as_ref().map(ByHand::to_string);
    machine.set_network_up(by_hand)?;
    let Some(how) = how else {
        machine.events().note("the network is as the configuration says again");
        return Ok("The network is as the configuration says again.".into());
    };
    machine.events().note(format_args!("the network is set up by hand, until this recovery ends: {how}"));
    test_network(scene, None)
}

/// Receives a bundle over the line of the console that has asked for it, proves all of it, and stages it. Returns the
/// intent's id, which is on stable storage then.
fn receive<M: Machine>(scene: &Scene<'_, M>, state: &mut State<'_>) -> Result<u64, Error> {
    let machine = scene.machine;
    let console = scene.console()?;
    scene.say(
        "Send the bundle now, by ZMODEM or YMODEM: sz FILE, or the menu of your\nterminal program. It goes on by itself.",
    );
    stage_received(machine, state, &machine.receive(console)?, None)
}

/// Proves all of a bundle that was received, and records the intent to install it. Returns its id; on return it is on stable
/// storage. Nothing of what is not as it was signed is gone on with.
pub(super) fn stage_received(
    machine: &impl Machine,
    state: &mut State<'_>,
    source: &Source,
    pinned: Option<Digest>,
) -> Result<u64, Error> {
    let prepared =
        update::prepare(machine, &state.record, source, pinned, Look::Whole).inspect_err(|error| {
            if error.is_of_contents() {
                machine.forget_received();
            }
        })?;
    stage(machine, state, source, prepared)
}

/// Records the intent to install what was prepared. Returns its id; on return it is on stable storage.
fn stage(
    machine: &impl Machine,
    state: &mut State<'_>,
    source: &Source,
    prepared: Prepared,
) -> Result<u64, Error> {
    let job = Job::Update { source: source.clone(), manifest: prepared.digest };
    let version = prepared.release.version.clone();
    // It holds what it reads from.
    drop(prepared);
    change(machine, state, |record, now| transition::stage(record, job, &version, now))
}

fn told(done: Result<String, Error>) -> Done {
    done.map_or_else(|error| Done::Refused(error.to_string()), Done::Told)
}

/// Changes the record, and saves it. On return that is on stable storage; after an error the record is as it was.
fn change<T>(
    machine: &impl Machine,
    state: &mut State<'_>,
    change: impl FnOnce(&mut Record, UnixTime) -> Result<T, drydock_state::Error>,
) -> Result<T, Error> {
    if let Trust::ReadOnly(why) = state.trust() {
        return Err(Error::Untrusted(why.clone()));
    }
    let before = state.record.clone();
    let changed = change(&mut state.record, machine.now()).map_err(Error::from);
    let saved = changed.and_then(|changed| state.save().map(|()| changed));
    if saved.is_err() {
        state.record = before;
    }
    saved
}

/// Carries out the intent that was just staged, as the next recovery would.
pub(super) fn carry_out<M: Machine>(
    scene: &Scene<'_, M>,
    state: &mut State<'_>,
    id: u64,
) -> Result<Done, Error> {
    let machine = scene.machine;
    data::release(machine)?;
    recover::recover(machine, state, Reason::Asked, scene.copy)?;
    let Some(entry) = state.record.outcome_of(id) else {
        return Ok(Done::Told("It has not come to an end; the next start goes on with it.".into()));
    };
    match entry.outcome {
        Outcome::Installed | Outcome::Reset => Ok(Done::HandOver),
        _ => Ok(Done::Told(Line(entry).to_string())),
    }
}

/// Lets the other set take over, if it is still in its slots, and signed.
fn take_over(
    machine: &impl Machine,
    state: &mut State<'_>,
    given_up: SetName,
    decide: impl FnOnce(&mut Record, UnixTime) -> Result<SetName, drydock_state::Error>,
) -> Result<String, Error> {
    let next = successor(&state.record, given_up)?;
    let found = release::of_set(machine, next)?.manifest;
    if found != state.record.sets.get(next).manifest {
        return Err(Error::Refused(format!(
            "set {next} can't take over: it does not hold the release that was marked good"
        )));
    }
    let next = change(machine, state, decide)?;
    Ok(format!("Set {next} is first now."))
}
