//! Time, for certificates and for whoever waits.

use drydock_engine::fetch::Pace;
use drydock_state::{Record, UnixTime};
use drydock_transfer::Floor;
use rustls::time_provider::TimeProvider;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns when this program was built, in seconds since 1970, as its build said by `DRYDOCK_BUILD_TIME`; 0 where it said
/// nothing.
pub fn build_time() -> UnixTime {
    UnixTime(option_env!("DRYDOCK_BUILD_TIME").and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// The device's clock, never earlier than what is known: for a device whose clock has no battery.
#[derive(Clone, Copy, Debug)]
pub struct Wall {
    floor: Floor,
}

impl Wall {
    /// Returns the clock of a device whose state is this: a bundle that was accepted left its time in it.
    pub fn of(record: &Record) -> Self {
        let history = record.history.iter().map(|entry| entry.time);
        let intent = record.intent.as_ref().map(|intent| intent.time);
        Self { floor: Floor::of(history.chain(intent).chain([build_time()])) }
    }

    /// Returns the time.
    pub fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.floor.lift(UnixTime(since.map_or(0, |since| since.as_secs())))
    }
}

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<rustls_pki_types::UnixTime> {
        Some(rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(self.now().0)))
    }
}

/// Waits as long as it says.
#[derive(Debug)]
pub struct RealPace(pub Wall);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Pace for RealPace {
    fn now(&self) -> UnixTime {
        self.0.now()
    }

    fn since(&self) -> Duration {
        START.elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn chance(&self) -> u32 {
        let mut bytes = [0; 4];
        // Without entropy the pauses of a fleet are alike, and nothing else is lost.
        let _ = crate::sys::random_at_once(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}
