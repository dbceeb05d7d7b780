//! Many devices in one process, each with the agent that ships and a disk of its own, of which all share what is not written.

use crate::Life;
use drydock_block::SectorSize;
use drydock_config::Fleet;
use drydock_engine::fleet::Agent;
use drydock_fixtures::Random;
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::disk::Discard;
use drydock_simulator::loader::Loader;
use drydock_simulator::setup::{Flashed, Setup};
use drydock_simulator::workshop::Workshop;
use drydock_state::SetName;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The lightest device that there is: images of a few blocks, nothing encrypted.
pub const LIGHT: Setup = Setup {
    name: "light-512",
    sector: SectorSize::S512,
    luks: false,
    discard: Discard::Zeroes,
    root_blocks: 8,
    data: Flashed::Made,
    files: false,
    loader: Loader::Grub,
};

/// How many agents may wait for the server at once.
const THREADS: usize = 32;
/// How long nobody looks whether somebody is due.
const LOOK: Duration = Duration::from_millis(20);

/// What became of the turns of agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there were.
    pub turns: u64,
    /// How many requests they have sent.
    pub requests: u64,
    /// How many turns ended in trouble.
    pub troubles: u64,
}

/// Adds up what threads do.
#[derive(Default)]
struct Count {
    turns: AtomicU64,
    requests: AtomicU64,
    troubles: AtomicU64,
}

impl Count {
    fn tally(&self) -> Tally {
        let read = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Tally { turns: read(&self.turns), requests: read(&self.requests), troubles: read(&self.troubles) }
    }
}

/// A device and its agent.
struct Member<'w> {
    life: Life<'w>,
    agent: Option<Agent>,
}

impl Member<'_> {
    /// One turn of its agent; and where that restarts the device, the recovery and the first boot after it, in no time. Returns after
    /// which time the next turn is due.
    fn turn(&mut self, count: &Count) -> Duration {
        let before = self.life.work().0;
        let (round, restarts) = self.life.turn(&mut self.agent);
        let mut next = round.next;
        if restarts {
            self.life.boot();
            self.agent = None;
            next = Duration::ZERO;
        }
        count.turns.fetch_add(1, Ordering::Relaxed);
        count.requests.fetch_add(self.life.work().0 - before, Ordering::Relaxed);
        count.troubles.fetch_add(round.trouble.is_some().into(), Ordering::Relaxed);
        next
    }
}

/// Many devices.
pub struct Crowd<'w>(Vec<Mutex<Member<'w>>>);

impl<'w> Crowd<'w> {
    /// So many devices of a workshop that run version 1, for a server that knows them by the token of a gateway.
    ///
    /// # Panics
    /// If the first of them does not come up.
    pub fn new(workshop: &'w Workshop, count: u32, url: &str, gateway_key: &str) -> Self {
        let first = SimDevice::new(workshop, workshop.flashed());
        assert_eq!(first.run(), End::Up(SetName::A));
        let contents = first.disk.view();
        let fleet = Fleet { server: Some(url.into()), ..Fleet::default() };
        let authorization = format!("GatewayToken {gateway_key}");
        let member = |nth: u32| {
            let id = format!("device-{nth:06}");
            let mut life = Life::new(workshop, contents.clone(), (&id, &authorization), fleet.clone(), None);
            life.chance = Some(Random::new(u64::from(nth)));
            Mutex::new(Member { life, agent: None })
        };
        Self((0..count).map(member).collect())
    }

    fn member(&self, nth: usize) -> MutexGuard<'_, Member<'w>> {
        self.0[nth].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody takes so many turns, as fast as the server answers.
    pub fn take_turns(&self, each: usize) -> Tally {
        let (next, count) = (AtomicUsize::new(0), Count::default());
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        if nth >= self.0.len() * each {
                            return;
                        }
                        self.member(nth % self.0.len()).turn(&count);
                    }
                });
            }
        });
        count.tally()
    }

    /// Everybody takes turns when they are due by their own pauses, until `is_over` says so. That is asked again and again.
    pub fn live(&self, mut is_over: impl FnMut() -> bool) -> Tally {
        let (over, count) = (AtomicBool::new(false), Count::default());
        let begun = Instant::now();
        let due: BinaryHeap<Reverse<(Duration, usize)>> =
            (0..self.0.len()).map(|nth| Reverse((self.member(nth).first_pause(), nth))).collect();
        let due = Mutex::new(due);
        let queue = || due.lock().unwrap_or_else(PoisonError::into_inner);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let first = {
                            let mut queue = queue();
                            let is_due = |first: &Reverse<(Duration, usize)>| first.0.0 <= begun.elapsed();
                            if queue.peek().is_some_and(is_due) { queue.pop() } else { None }
                        };
                        let Some(Reverse((_, nth))) = first else {
                            thread::sleep(LOOK);
                            continue;
                        };
                        let pause = self.member(nth).turn(&count);
                        queue().push(Reverse((begun.elapsed() + pause, nth)));
                    }
                });
            }
            while !is_over() {
                thread::sleep(LOOK);
            }
            over.store(true, Ordering::Relaxed);
        });
        count.tally()
    }

    /// What was done on a device that never may be.
    pub fn violations(&self) -> Vec<String> {
        (0..self.0.len()).flat_map(|nth| self.member(nth).life.violations()).collect()
    }
}

impl Member<'_> {
    /// Somewhere in the pause after its last turn.
    fn first_pause(&mut self) -> Duration {
        let pause = self.life.last.as_ref().map_or(Duration::ZERO, |round| round.next);
        let chance = self.life.chance.as_mut().map_or(0, Random::number);
        pause.mul_f64(chance as f64 / u64::MAX as f64)
    }
}
