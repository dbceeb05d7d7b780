//! What writing and proving share: workers, and how far they are.

use crate::error::Error;
use crate::event::{Event, Events, Step, Unit};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often progress is told at most.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Runs `work` in `count` threads at once, and gives the first error when all have ended.
pub(super) fn run(count: usize, work: impl Fn() -> Result<(), Error> + Sync) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count.max(1)).map(|_| scope.spawn(&work)).collect();
        let outcomes = workers.into_iter().map(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        outcomes.fold(Ok(()), Result::and)
    })
}

/// How far a step is. Whichever worker gets there tells it, now and then.
pub(crate) struct Progress<'a> {
    events: &'a dyn Events,
    step: Step,
    label: &'a str,
    total: u64,
    now: Mutex<(u64, Instant)>,
}

impl<'a> Progress<'a> {
    /// A step that begins now and has `total` bytes to go.
    pub(crate) fn new(events: &'a dyn Events, step: Step, label: &'a str, total: u64) -> Self {
        Self { events, step, label, total, now: Mutex::new((0, Instant::now())) }
    }

    /// The next bytes may be this long in coming.
    pub(super) fn allow(&self, quiet: Duration) {
        self.events.allow(quiet);
    }

    /// So many bytes more are done.
    pub(crate) fn advance(&self, bytes: u64) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.0 += bytes;
        if now.1.elapsed() >= TELL_EVERY {
            now.1 = Instant::now();
            let (step, what) = (self.step, self.label.to_owned());
            self.events.send(Event::Progress {
                step,
                what,
                done: now.0,
                total: self.total,
                unit: Unit::Bytes,
            });
        }
    }
}
