//! The moment at which the power is cut.

use drydock_simulator::disk::{Arrives, SimDisk};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a request is when the power is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It has not been sent.
    Unsent,
    /// The server has it, and its answer is lost.
    Served,
    /// The answer has come, and nothing was done with it.
    Answered,
}

/// A moment in the life of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At the request of this number, from 0.
    Request(u64, When),
    /// Right after the write or flush of this number, from 1.
    Act(u64, Arrives),
}

#[derive(Debug, Default)]
struct State {
    requests: u64,
    acts: u64,
    cut: Option<Moment>,
    is_off: bool,
}

/// Power for a device, until it is cut; and how much of an agent's work there was.
#[derive(Debug, Default)]
pub struct Power(Mutex<State>);

impl Power {
    /// Power that is cut at this moment, and stays after that.
    pub fn cut_at(moment: Option<Moment>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { cut: moment, ..State::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests the agent has sent, and how many writes and flushes it has made.
    pub fn work(&self) -> (u64, u64) {
        let state = self.lock();
        (state.requests, state.acts)
    }

    /// Whether the cut is still to come.
    pub fn is_armed(&self) -> bool {
        self.lock().cut.is_some()
    }

    /// The agent begins to work with this disk.
    pub fn begin(&self, disk: &SimDisk) {
        let state = self.lock();
        if let Some(Moment::Act(act, _)) = state.cut
            && act > state.acts
        {
            disk.gone_after(act - state.acts);
        }
    }

    /// The agent has done so many writes and flushes to it.
    pub fn end(&self, disk: &SimDisk, acts: u64) {
        let mut state = self.lock();
        state.acts += acts;
        if disk.is_gone() {
            state.is_off = true;
        } else {
            disk.gone_after(u64::MAX);
        }
    }

    /// A request is to be sent. `None`: there is no power for it.
    pub(crate) fn request(&self, disk: &SimDisk) -> Option<Option<When>> {
        let mut state = self.lock();
        if state.is_off || disk.is_gone() {
            return None;
        }
        let number = state.requests;
        state.requests += 1;
        match state.cut {
            Some(Moment::Request(at, when)) if at == number => Some(Some(when)),
            _ => Some(None),
        }
    }

    /// The power is cut.
    pub(crate) fn cut(&self, disk: &SimDisk) {
        disk.gone_after(0);
        self.lock().is_off = true;
    }

    /// Whether there is none.
    pub fn is_off(&self) -> bool {
        self.lock().is_off
    }

    /// The power comes back, and stays. Returns what becomes of what was not flushed.
    pub fn comes_back(&self) -> Arrives {
        let mut state = self.lock();
        state.is_off = false;
        match state.cut.take() {
            Some(Moment::Act(_, arrives)) => arrives,
            _ => Arrives::Nothing,
        }
    }
}
