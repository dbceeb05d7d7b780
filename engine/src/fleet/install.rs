//! From a bundle's address to an intent, and to the restart that carries it out.

use super::host::Credentials;
use super::keeping;
use super::restart::{May, may_restart};
use super::turn::{Step, Stop, Turn};
use crate::error::Error;
use crate::fetch::Fetched;
use crate::live;
use crate::machine::Machine;
use crate::update::Look;
use drydock_format::Digest;
use drydock_state::fleet::{Ended, How, Order};
use drydock_state::{Job, Record, SetName, SetStatus, Source};
use drydock_transfer::{Address, Trouble};
use std::time::Duration;

/// How long to wait until the gate is asked again.
const GATE_AGAIN: Duration = Duration::from_secs(60);
/// How long a restart may take to come.
const RESTARTS: Duration = Duration::from_secs(600);
/// The longest time between two turns while a set is on trial.
const TRIAL: Duration = Duration::from_secs(60);
/// After so many tries in a row that a server has refused, an order has failed.
const REFUSALS: u32 = 5;

/// What is to be installed.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub(super) from: Address,
    pub(super) credentials: Credentials,
    /// The manifest that is meant, if somebody has said so.
    pub(super) pin: Option<Digest>,
}

/// What became of a fetch.
pub(super) enum Brought {
    /// It is there.
    There(Source, Fetched),
    /// The order is over, which is noted.
    Over,
}

/// Whether the device runs the release of this manifest, and it is the last one that has said that it is well.
pub(super) fn runs(record: &Record, running: SetName, manifest: Digest) -> bool {
    let set = record.sets.get(running);
    record.last_good == Some(running) && set.status == SetStatus::Good && set.manifest == manifest.into()
}

/// Fetches what the device lacks, and notes which manifest it is. What another try may bring is an error; all else ends the
/// order. `refusals` counts how often in a row a server did not have it.
pub(super) fn fetch<M: Machine>(
    turn: &mut Turn<'_, M>,
    goal: &Goal,
    refusals: &mut u32,
) -> Result<Brought, Stop> {
    let failed = match turn.host.fetch(&goal.from, goal.credentials) {
        Ok((source, fetched)) => {
            *refusals = 0;
            let manifest = fetched.manifest;
            if goal.pin.is_some_and(|pin| pin != manifest) {
                let reason = format!(
                    "the bundle has the manifest {manifest}, and not the one that the order names; push it again"
                );
                return over(turn, How::Refused, reason);
            }
            let note = |order: &mut Order| order.manifest = manifest.into();
            keeping::change(turn.machine, |fleet| fleet.order.as_mut().map(note))?;
            return Ok(Brought::There(source, fetched));
        }
        Err(error) => error,
    };
    match &failed {
        Error::Transfer { trouble: Trouble::Untrusted(_), .. } => {
            Err(Stop::Away { what: failed.to_string(), after: None })
        }
        Error::Transfer { trouble, .. } => {
            *refusals = if trouble.may_pass() { 0 } else { *refusals + 1 };
            if *refusals >= REFUSALS {
                *refusals = 0;
                return over(turn, How::Failed, failed.to_string());
            }
            Err(Stop::Away { what: failed.to_string(), after: None })
        }
        Error::Busy { .. } => Err(failed.into()),
        _ => over(turn, How::Refused, failed.to_string()),
    }
}

/// The order is over.
fn over<M: Machine>(turn: &Turn<'_, M>, how: How, reason: String) -> Result<Brought, Stop> {
    keeping::change(turn.machine, |fleet| keeping::end(fleet, Ended { how, reason }))?;
    Ok(Brought::Over)
}

/// What stands in the way of an intent: another one, which is not waited for by an order.
pub(super) fn in_the_way(record: &Record) -> Option<String> {
    let intent = record.intent.as_ref()?;
    let yields = matches!(intent.job, Job::UpdateRecovery { .. });
    (!yields).then(|| format!("waits until intent {} ({}) is over", intent.id, intent.job))
}

/// Makes the order an intent: in one write, so that it never becomes two. What can't be installed ends the order.
pub(super) fn stage<M: Machine>(turn: &Turn<'_, M>, action: u64, source: Source) -> Result<(), Stop> {
    let note = |record: &mut Record, id: u64| match &mut record.fleet.order {
        Some(order) if order.action == action && order.intent == 0 && order.end.is_none() => {
            order.intent = id;
            Ok(())
        }
        _ => Err(Error::Refused("the order was given up meanwhile".into())),
    };
    match live::stage_with(turn.machine, source, Look::Quick, note) {
        Ok(_) => Ok(()),
        Err(error) if error.is_of_bundle() => over(turn, How::Refused, error.to_string()).map(drop),
        Err(error) => Err(error.into()),
    }
}

/// What a device does while a set is on trial: it waits for its word.
pub(super) fn on_trial(set: SetName, order: &Order) -> Step {
    Step { next: Some(TRIAL), doing: format!("set {set} ({}) is on trial", order.version) }
}

/// Restarts the device for an intent that waits, if that may be now. `tell` is called right before.
pub(super) fn restart<M: Machine>(
    turn: &mut Turn<'_, M>,
    order: &Order,
    tell: impl FnOnce(&mut Turn<'_, M>),
) -> Result<Step, Stop> {
    let version = &order.version;
    Ok(match may_restart(turn.config, order, turn.machine.now()) {
        May::WhenAsked => Step {
            next: None,
            doing: format!("{version} is staged, and waits for `drydock confirm` or a restart"),
        },
        May::After(time) => Step {
            next: Some(time.max(Duration::from_secs(1))),
            doing: format!("{version} is staged, and waits {} s for the window", time.as_secs()),
        },
        May::Now => match turn.host.gate() {
            Err(why) => Step {
                next: Some(GATE_AGAIN),
                doing: format!("{version} is staged, and the gate holds the restart back: {why}"),
            },
            Ok(()) => {
                tell(turn);
                turn.host.restart()?;
                Step { next: Some(RESTARTS), doing: format!("restarts to install {version}") }
            }
        },
    })
}
