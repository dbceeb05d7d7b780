//! Numbered pieces of work over all cores, with the results in order and a fixed number of them in flight.

use std::sync::mpsc::sync_channel;
use std::thread;

/// Results that may wait in front of each worker.
const AHEAD: usize = 2;

/// As many workers as the machine has cores.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does the pieces `0..count` on `workers` threads and hands the results to `take` one by one, in order, on
/// the calling thread. `worker` makes each thread's own worker. The first error ends it all.
///
/// The pieces go round the workers in turn, so at most three a worker are in memory at any time, and which
/// worker does what is always the same.
pub fn ordered<T: Send, E: Send, W: FnMut(u64) -> Result<T, E>>(
    count: u64,
    workers: usize,
    worker: impl Fn() -> W + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let step = workers.max(1);
    thread::scope(|scope| {
        let mut results = Vec::with_capacity(step);
        for first in 0..step as u64 {
            let (sender, receiver) = sync_channel(AHEAD);
            let worker = &worker;
            scope.spawn(move || {
                let mut work = worker();
                let mut pieces = (first..count).step_by(step);
                while pieces.next().is_some_and(|piece| sender.send(work(piece)).is_ok()) {}
            });
            results.push(receiver);
        }
        for receiver in results.iter().cycle().take(count as usize) {
            // No result means that a worker panicked; leaving the scope passes that on.
            let Ok(result) = receiver.recv() else { break };
            take(result?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_workers() {
        for workers in [0, 1, 3, 16] {
            let mut seen = Vec::new();
            let work = || |i: u64| Ok::<_, ()>(i * i);
            ordered(10, workers, work, |square| {
                seen.push(square);
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, (0..10).map(|i| i * i).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn the_first_error_in_order_is_the_one_reported() {
        let work = || |i: u64| if i < 5 { Ok(()) } else { Err(i) };
        assert_eq!(ordered(1 << 40, 3, work, Ok), Err(5));
        assert_eq!(ordered(1 << 40, 3, || |_| Ok(()), |()| Err("full")), Err("full"));
    }
}
