//! The event stream as lines on the consoles, with the time since the kernel started.

use crate::console::Console;
use crate::device::watchdog::Watchdog;
use crate::event::{Event, Events};
use nix::time::{ClockId, clock_gettime};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Sends every event to the consoles, and lets the watchdog see that there is progress.
pub struct ConsoleEvents {
    console: Console,
    watchdog: Mutex<Option<Watchdog>>,
}

impl ConsoleEvents {
    /// Events for the given consoles.
    pub fn new(console: Console) -> Self {
        Self { console, watchdog: Mutex::new(None) }
    }

    /// From now on every event but a warning counts as progress for the watchdog.
    pub fn feed(&self, watchdog: Watchdog) {
        *self.watchdog() = Some(watchdog);
    }

    /// Stops the watchdog, for a system that does not take it over.
    pub fn disarm(&self) {
        if let Some(watchdog) = self.watchdog().take()
            && let Err(error) = watchdog.stop()
        {
            self.console.line(&format!("the watchdog can't be stopped: {error}"));
        }
    }

    /// Gives slow consoles a moment to take what was said, before somebody else speaks on them.
    pub fn drain(&self) {
        self.console.drain(Duration::from_secs(1));
    }

    fn watchdog(&self) -> std::sync::MutexGuard<'_, Option<Watchdog>> {
        self.watchdog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events for ConsoleEvents {
    fn send(&self, event: Event) {
        if !matches!(event, Event::Warning { .. })
            && let Some(watchdog) = &mut *self.watchdog()
        {
            watchdog.pet();
        }
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME);
        let (seconds, hundredths) = now.map_or((0, 0), |time| (time.tv_sec(), time.tv_nsec() / 10_000_000));
        self.console.line(&format!("drydock {seconds:4}.{hundredths:02} {event}"));
    }
}
