//! Two processes on one device, one step at a time: in which order their steps happen is chosen, not left to luck.
//!
//! A step ends wherever another process could see or change something: before each write of a partition, within it, and
//! around the lock; and before each read, for a process that reads while another one writes.

use drydock_block::{BlockDevice, Flush, SectorSize};
use drydock_engine::machine::Device;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// One order: which process begins, after how many of its steps the other one has a turn, and for how many. Then the
/// first one goes on to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The process that begins, 0 or 1.
    pub first: usize,
    /// Its steps before the other one has its turn.
    pub before: usize,
    /// The steps of that turn.
    pub turn: usize,
}

/// Whose turn it is.
pub struct Schedule {
    now: Mutex<Now>,
    changed: Condvar,
}

struct Now {
    runs: usize,
    /// Turns that follow, each with its number of steps.
    left: usize,
    next_turn: Option<usize>,
    ended: [bool; 2],
    steps: [usize; 2],
    holds_lock: Option<usize>,
}

/// One of the two processes.
#[derive(Clone)]
pub struct Process {
    schedule: Arc<Schedule>,
    me: usize,
}

impl Schedule {
    /// Both processes, which may run in threads of their own now.
    pub fn begin(order: Order) -> [Process; 2] {
        let now = Now {
            runs: order.first,
            left: order.before,
            next_turn: Some(order.turn),
            ended: [false; 2],
            steps: [0; 2],
            holds_lock: None,
        };
        let schedule = Arc::new(Self { now: Mutex::new(now), changed: Condvar::new() });
        [0, 1].map(|me| Process { schedule: schedule.clone(), me })
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn hand_over(&mut self, from: usize) {
        let other = 1 - from;
        if !self.ended[other] {
            self.runs = other;
        }
        self.left = self.next_turn.take().unwrap_or(usize::MAX);
    }
}

impl Process {
    /// Ends a step; returns when it is this process's turn for the next one.
    pub fn step(&self) {
        let mut now = self.until_my_turn(self.schedule.lock());
        if now.left == 0 {
            now.hand_over(self.me);
            self.schedule.changed.notify_all();
            now = self.until_my_turn(now);
        }
        now.left = now.left.saturating_sub(1);
        now.steps[self.me] += 1;
    }

    /// Lets the other process go on as far as it can.
    pub fn pause(&self) {
        let mut now = self.until_my_turn(self.schedule.lock());
        now.left = 0;
        drop(now);
        self.step();
    }

    /// Waits for the lock, while the other process goes on.
    pub fn take_lock(&self) -> LockGuard {
        self.step();
        let mut now = self.schedule.lock();
        while now.holds_lock.is_some() {
            now.hand_over(self.me);
            self.schedule.changed.notify_all();
            now = self.until_my_turn(now);
        }
        now.holds_lock = Some(self.me);
        LockGuard(self.clone())
    }

    /// This process has ended. Returns how many steps it took.
    pub fn end(&self) -> usize {
        let mut now = self.until_my_turn(self.schedule.lock());
        now.ended[self.me] = true;
        now.runs = 1 - self.me;
        now.left = usize::MAX;
        self.schedule.changed.notify_all();
        now.steps[self.me]
    }

    fn until_my_turn<'n>(&self, mut now: MutexGuard<'n, Now>) -> MutexGuard<'n, Now> {
        while now.runs != self.me {
            now = self.schedule.changed.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
        now
    }
}

/// The lock, as long as this process has it.
pub struct LockGuard(Process);

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.0.schedule.lock().holds_lock = None;
        self.0.step();
    }
}

/// A device whose writes, and maybe reads, are steps.
pub struct Stepping {
    /// The device.
    pub device: Device,
    /// Who reads and writes it.
    pub process: Process,
    /// What its reads are.
    pub reads: Reads,
}

/// What the reads of a process are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// No steps: nothing changes what it reads, as it has the lock.
    Free,
    /// A step each.
    Step,
}

impl BlockDevice for Stepping {
    fn size(&self) -> u64 {
        self.device.size()
    }
    fn sector_size(&self) -> SectorSize {
        self.device.sector_size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if self.reads == Reads::Step {
            self.process.step();
        }
        self.device.read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.process.step();
        // Halves of it are what a reader may see.
        let half = self.sector_size().round_down(buf.len() as u64 / 2) as usize;
        if half > 0 {
            self.device.write_at(offset, &buf[..half])?;
            self.process.step();
        }
        self.device.write_at(offset + half as u64, &buf[half..])
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.device.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.process.step();
        self.device.discard(offset, len)
    }
}
