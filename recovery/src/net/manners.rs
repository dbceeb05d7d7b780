//! The manners of a process that works in the background.

use crate::sys::{self, Priority};
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// How often the load is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How fast one may be, and when one waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// The most bytes in a second; 0 is no limit.
    pub bytes_per_second: u64,
    /// From which load of the last minute on one waits; 0 is never.
    pub pause_at_load: u32,
}

/// Takes care that manners are kept.
#[derive(Debug)]
pub struct Pauses {
    manners: Manners,
    /// When the next bytes may be taken.
    due: Instant,
    looked: Option<Instant>,
}

impl Pauses {
    /// Returns who takes care from now on.
    pub fn new(manners: Manners) -> Self {
        Self { manners, due: Instant::now(), looked: None }
    }

    /// So many bytes have come. Returns how long to wait for the next ones.
    pub fn after(&mut self, bytes: usize) -> Duration {
        let Manners { bytes_per_second, pause_at_load } = self.manners;
        let now = Instant::now();
        if bytes_per_second > 0 {
            // What was not used before is not made up for by a burst.
            let cost = Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64);
            self.due = self.due.max(now) + cost;
        }
        let busy = pause_at_load > 0
            && self.looked.is_none_or(|looked| now.duration_since(looked) >= LOOK_EVERY)
            && {
                self.looked = Some(now);
                load().is_some_and(|load| load >= pause_at_load)
            };
        let wait = self.due.saturating_duration_since(now);
        if busy { wait.max(LOOK_EVERY) } else { wait }
    }
}

/// Returns the load of the last minute, as the kernel has it, without its fraction: the limit has none.
fn load() -> Option<u32> {
    fs::read_to_string("/proc/loadavg").ok()?.split('.').next()?.parse().ok()
}

/// While it lives this thread, and those that it starts, let every other process have the processors and the disk first.
#[derive(Debug)]
pub struct StoodBack(Priority);

impl StoodBack {
    /// Stands back.
    pub fn now() -> io::Result<Self> {
        let before = Priority::now()?;
        Priority::LOWEST.take()?;
        Ok(Self(before))
    }
}

impl Drop for StoodBack {
    fn drop(&mut self) {
        // Who may not have it back goes on as one who stands back.
        let _ = self.0.take();
        sys::give_memory_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_no_faster_than_they_may() {
        let mut pauses = Pauses::new(Manners { bytes_per_second: 1000, pause_at_load: 0 });
        pauses.after(1000);
        let wait = pauses.after(9000);
        assert!((9.0..=10.0).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(Pauses::new(Manners::default()).after(1 << 30), Duration::ZERO);
    }

    #[test]
    fn the_load_is_looked_at() {
        assert!(load().is_some());
        let never = Manners { bytes_per_second: 0, pause_at_load: u32::MAX };
        assert_eq!(Pauses::new(never).after(1), Duration::ZERO);
    }

    #[test]
    fn who_stood_back_comes_forward_again() {
        let before = Priority::now().unwrap();
        let back = StoodBack::now().unwrap();
        assert_eq!(Priority::now().unwrap(), Priority::LOWEST);
        std::thread::spawn(|| assert_eq!(Priority::now().unwrap(), Priority::LOWEST)).join().unwrap();
        drop(back);
        assert_eq!(Priority::now().unwrap(), before);
    }
}
