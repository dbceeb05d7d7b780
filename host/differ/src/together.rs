//! Pieces of work over several threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does the pieces `0..count` on `threads` threads, in the order of `order`, and returns the results by their numbers. After
/// an error nothing new is begun; of several the one with the lowest number is returned.
pub(crate) fn together<T: Send, E: Send>(
    order: &[usize],
    threads: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(order.len()));
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(&piece) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = work(piece);
                    if result.is_err() {
                        next.store(order.len(), Ordering::Relaxed);
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((piece, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(piece, _)| *piece);
    results.into_iter().map(|(_, result)| result).collect()
}
