//! All moments at which an agent can be cut off, and what came of that.

use crate::power::{Moment, When};
use drydock_simulator::disk::Arrives;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many lives are lived at once.
const THREADS: usize = 2;

/// All moments in the work of an agent that has sent so many requests, and made so many writes and flushes.
pub fn moments((requests, acts): (u64, u64)) -> Vec<Moment> {
    let whens = [When::Unsent, When::Served, When::Answered];
    let requests = (0..requests).flat_map(|request| whens.map(|when| Moment::Request(request, when)));
    let both = [Arrives::All, Arrives::Nothing];
    requests.chain((1..=acts).flat_map(|act| both.map(|arrives| Moment::Act(act, arrives)))).collect()
}

/// Lives a life for each of these, and returns what was wrong at the end of any.
pub fn each<T: Debug + Sync>(points: &[T], live: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            let faults = catch_unwind(AssertUnwindSafe(|| live(point)));
            let faults = faults.unwrap_or_else(|_| vec!["it does not come to an end".into()]);
            if !faults.is_empty() {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push(format!("{point:?}: {}", faults.join("; ")));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    failures.into_inner().unwrap_or_else(PoisonError::into_inner)
}
