//! Which hooks must be called by a device that goes on after a cut, and in which order.

use super::failure::{Failure, Kind};
use crate::device::SimDevice;
use crate::disk::{At, Mark, Op};
use drydock_block::Flush;
use drydock_engine::machine::Ended;
use drydock_state::{Job, Record, SetName, SetStatus};

/// Holds a run to what hooks are promised. `before` is what the device remembered when it was switched on, and `log` all that it
/// did.
///
/// A hook that may refuse is called again by every start, until it is on record that none has refused; from then on it is not
/// called any more. What is called later is called by every start that gets so far, until the job is over.
pub(super) fn check(device: &SimDevice, before: Option<&Record>, log: &[Op]) -> Result<(), Failure> {
    if device.config.hooks.is_empty() {
        return Ok(());
    }
    let ran = |at: At| log.iter().position(|op| matches!(op, Op::Mark(Mark::HookRan(ran)) if *ran == at));
    let Some(before) = before else { return Ok(()) };
    let waits = before.intent.as_ref().filter(|intent| before.outcome_of(intent.id).is_none());
    let job = waits.map(|intent| (&intent.job, intent.begun));
    let (first, last, touched) = match job {
        Some((Job::Update { .. }, begun)) => (
            Some((At::BeforeWrite, begun)),
            Some(At::AfterWrite),
            first_write(device, log, &["boot", "root"]),
        ),
        Some((Job::FactoryReset, begun)) => (
            Some((At::BeforeReset, begun)),
            Some(At::AfterReset),
            first_write(device, log, &["data", "stash"]),
        ),
        Some((Job::Wipe { .. }, begun)) => {
            (Some((At::BeforeReset, begun)), Some(At::AfterReset), first_write(device, log, &["logs"]))
        }
        _ => (None, None, None),
    };
    match first.map(|(at, begun)| (at, begun, ran(at))) {
        Some((at, false, None)) => {
            return Kind::Broken.of(format!("{at:?} was not called again after a cut"));
        }
        Some((at, true, Some(_))) => {
            return Kind::Broken.of(format!("{at:?} had let it pass, and was called again"));
        }
        Some((at, false, Some(call))) if touched.is_some_and(|write| write < call) => {
            return Kind::Broken.of(format!("something was written before {at:?} was called"));
        }
        Some((at, false, Some(call))) if touched.is_some_and(|write| !is_saved(&log[call..write])) => {
            return Kind::Broken.of(format!("it is not on record that {at:?} has let it pass"));
        }
        Some((at, _, call)) if says_no(device, at) && touched.is_some() => {
            return Kind::Broken.of(format!("{at:?} has refused, and something was written ({call:?})"));
        }
        _ => {}
    }
    let refused = first.is_some_and(|(at, _)| says_no(device, at));
    if let Some(at) = last.filter(|_| !refused)
        && ran(at).is_none()
    {
        return Kind::Broken.of(format!("{at:?} was not called by the start that ended the job"));
    }
    // Whatever marks a set good for the first time has asked before.
    let good = |op: &Op| matches!(op, Op::Mark(Mark::MarkedGood(set)) if is_news(before, *set));
    if let Some(marked) = log.iter().position(good)
        && ran(At::FirstGood).is_none_or(|call| call > marked)
    {
        return Kind::Broken.of("a set was marked good, and nobody was asked");
    }
    Ok(())
}

/// Whether the record was written in this part of a log.
fn is_saved(log: &[Op]) -> bool {
    log.iter().any(|op| matches!(op, Op::Flush(Flush::StateSecondReplica)))
}

fn is_news(before: &Record, set: SetName) -> bool {
    before.sets.get(set).status != SetStatus::Good
}

fn says_no(device: &SimDevice, at: At) -> bool {
    let name = match at {
        At::BeforeWrite => "before-write",
        At::AfterWrite => "after-write",
        At::FirstGood => "first-good",
        At::BeforeReset => "before-reset",
        At::AfterReset => "after-reset",
    };
    device.script.ends.get(name).is_some_and(|ended| *ended != Ended::Exit(0))
}

/// The first write into a partition of these names, or a slot of these classes.
fn first_write(device: &SimDevice, log: &[Op], names: &[&str]) -> Option<usize> {
    let slots = device.workshop.slots();
    let of_slot = slots
        .into_iter()
        .filter(|(class, ..)| names.contains(&class.class.as_str()))
        .map(|(.., range)| range);
    let of_partition = names.iter().filter(|name| !["boot", "root"].contains(*name));
    let ranges: Vec<_> = of_slot.chain(of_partition.map(|name| device.workshop.range(name))).collect();
    log.iter().position(|op| match op {
        Op::Write { offset, bytes } => {
            let end = offset + bytes.len() as u64;
            ranges.iter().any(|range| range.start < end && *offset < range.end)
        }
        _ => false,
    })
}
