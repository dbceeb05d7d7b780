//! How many reports are taken: of all devices, and of each one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How many reports a device may send at once, and how long it takes until it may send one more.
const OF_DEVICE: (f64, Duration) = (20.0, Duration::from_secs(30));
/// How many devices are remembered at most. When they are more, all are forgotten: nobody is refused for that.
const MAX_DEVICES: usize = 100_000;

/// A bucket of tokens that fills with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, size: f64, every: Duration, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() / every.as_secs_f64();
        self.tokens = (self.tokens + gained).min(size);
        self.at = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

/// What was taken lately.
#[derive(Debug)]
pub(super) struct Rates {
    size: f64,
    every: Duration,
    all: Bucket,
    devices: HashMap<String, Bucket>,
}

impl Rates {
    /// So many reports a second from all devices, and twice as many at once.
    pub(super) fn new(a_second: u32, now: Instant) -> Self {
        let a_second = f64::from(a_second.max(1));
        let (size, every) = (2.0 * a_second, Duration::from_secs_f64(1.0 / a_second));
        Self { size, every, all: Bucket { tokens: size, at: now }, devices: HashMap::new() }
    }

    /// Whether anything at all is taken now.
    pub(super) fn any(&mut self, now: Instant) -> bool {
        self.all.take(self.size, self.every, now)
    }

    /// Whether one of this device is taken now.
    pub(super) fn of(&mut self, device: &str, now: Instant) -> bool {
        let (size, every) = OF_DEVICE;
        if self.devices.len() >= MAX_DEVICES {
            self.devices.clear();
        }
        let bucket = self.devices.entry(device.into()).or_insert(Bucket { tokens: size, at: now });
        bucket.take(size, every, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_as_many_as_were_agreed() {
        let start = Instant::now();
        let mut rates = Rates::new(10, start);
        let taken = |rates: &mut Rates, now| (0..1000).filter(|_| rates.any(now)).count();
        assert_eq!(taken(&mut rates, start), 20);
        assert_eq!(taken(&mut rates, start + Duration::from_secs(1)), 10);
        assert_eq!(taken(&mut rates, start + Duration::from_secs(100)), 20);
    }

    #[test]
    fn one_device_does_not_use_up_what_is_for_the_others() {
        let start = Instant::now();
        let mut rates = Rates::new(10, start);
        assert_eq!((0..1000).filter(|_| rates.of("pump-1", start)).count(), 20);
        assert!(rates.of("pump-2", start));
        assert!(!rates.of("pump-1", start + Duration::from_secs(20)));
        assert!(rates.of("pump-1", start + Duration::from_secs(31)));
    }

    #[test]
    fn there_is_an_end_to_how_many_devices_are_remembered() {
        let start = Instant::now();
        let mut rates = Rates::new(10, start);
        for number in 0..=MAX_DEVICES {
            rates.of(&number.to_string(), start);
        }
        assert_eq!(rates.devices.len(), 1);
    }
}
