//! What the agent keeps in the state record: each change is read, made and written under the lock, in one piece.

use crate::error::Error;
use crate::machine::Machine;
use crate::state::State;
use drydock_state::fleet::{Closed, Ended, Fleet, How, Order};
use drydock_state::{Record, transition};

use super::standing::{Standing, can_be_given_up, standing};

/// Changes what is kept. On return that is on stable storage. Nothing is written where nothing has changed.
pub(super) fn change<T>(machine: &impl Machine, change: impl FnOnce(&mut Fleet) -> T) -> Result<T, Error> {
    let mut state = State::open(machine)?;
    let before = state.record.fleet.clone();
    let told = change(&mut state.record.fleet);
    if state.record.fleet != before {
        state.save_record()?;
    }
    Ok(told)
}

/// What became of an attempt to give an order up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Nothing is installed for it.
    Yes,
    /// It can't be undone any more, or is over.
    TooLate,
}

/// Gives the order up where that can still be done: an intent that waits for it is taken back, and the order is over, in one
/// write. On return that is on stable storage.
pub(super) fn give_up(machine: &impl Machine, action: u64, why: &str) -> Result<GivenUp, Error> {
    let mut state = State::open(machine)?;
    let Some(order) = state.record.fleet.order.clone().filter(|order| order.action == action) else {
        return Ok(GivenUp::Yes);
    };
    if order.end.as_ref().is_some_and(|end| end.how == How::Cancelled) {
        return Ok(GivenUp::Yes);
    }
    if !can_be_given_up(&state.record, &order) {
        return Ok(GivenUp::TooLate);
    }
    let waits = matches!(standing(&state.record, &order), Standing::Waiting(_));
    if waits {
        transition::cancel(&mut state.record, machine.now())?;
    }
    end(&mut state.record.fleet, Ended { how: How::Cancelled, reason: why.into() });
    if waits {
        state.save()?
    } else {
        state.save_record()?
    }
    Ok(GivenUp::Yes)
}

/// Notes how the order has ended, if the record says that it has, so that it is known for as long as it takes to tell. Also notes
/// a start of the kernel that nobody had planned. Returns the record as it is then; what is noted is on stable storage.
pub(super) fn look(machine: &impl Machine, record: Record, boot: &str) -> Result<Record, Error> {
    let Some(order) = &record.fleet.order else { return Ok(record) };
    let stands = standing(&record, order);
    let over = order.end.is_none() && matches!(stands, Standing::Over(_));
    if !over && order.boot == boot {
        return Ok(record);
    }
    let action = order.action;
    let mut state = State::open(machine)?;
    let stands = state.record.fleet.order.as_ref().map(|order| standing(&state.record, order));
    let fleet = &mut state.record.fleet;
    if let (Some(order), Some(stands)) = (fleet.order.as_mut().filter(|order| order.action == action), stands)
    {
        note_start(order, &stands, boot);
        if let Standing::Over(ended) = stands {
            end(fleet, ended);
        }
        state.save_record()?;
    }
    Ok(state.record.clone())
}

/// A restart was planned where the order is further than before.
fn note_start(order: &mut Order, stands: &Standing, boot: &str) {
    if order.boot == boot {
        return;
    }
    let again = !order.boot.is_empty() && matches!(stands, Standing::Open | Standing::Waiting(_));
    order.resumed += u32::from(again);
    order.boot = boot.to_owned();
}

/// The order is over.
pub(super) fn end(fleet: &mut Fleet, ended: Ended) {
    if let Some(order) = fleet.order.as_mut().filter(|order| order.end.is_none()) {
        order.end = Some(ended);
    }
}

/// The end of the order has been taken, or nobody wants to know of it: it is history.
pub(super) fn close(fleet: &mut Fleet) {
    let Some(Order { action, version, manifest, end: Some(end), .. }) = fleet.order.take() else { return };
    if end.how == How::Good {
        fleet.installed = manifest;
    }
    fleet.closed = Some(Closed { action, version, end });
}
