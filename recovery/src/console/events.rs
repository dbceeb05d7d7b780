//! The event stream as lines on the consoles, with the time since the kernel started.

use crate::console::Console;
use crate::pid1::pstore;
use crate::pid1::watchdog::Watchdog;
use drydock_engine::event::{Attempt, Event, Events, calm};
use drydock_engine::journal::Journal;
use nix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a quiet step that has declared its time feeds the watchdog.
const QUIET_FEED: Duration = Duration::from_secs(1);

/// Sends every event to the consoles, and lets the watchdog see that there is progress. A clone is the same place.
#[derive(Clone)]
pub struct ConsoleEvents {
    console: Console,
    feed: Arc<Mutex<Feed>>,
    failed: Arc<AtomicBool>,
    /// What is kept for whoever asks after the reset.
    told: Arc<Mutex<Told>>,
    /// What the page shows of it.
    #[cfg(feature = "lan")]
    heard: Arc<crate::lan::Heard>,
}

#[derive(Default)]
struct Told {
    journal: Journal,
    /// What events belong to now.
    attempt: Option<Attempt>,
}

#[derive(Default)]
struct Feed {
    watchdog: Option<Watchdog>,
    /// Until then no event need come: a step has declared its time.
    quiet_until: Option<Instant>,
}

impl ConsoleEvents {
    /// Events for the given consoles.
    pub fn new(console: Console) -> Self {
        Self {
            console,
            feed: Arc::default(),
            failed: Arc::default(),
            told: Arc::default(),
            #[cfg(feature = "lan")]
            heard: Arc::default(),
        }
    }

    /// From now on every event but a warning counts as progress for the watchdog, and so does the time that
    /// [`allow`](Events::allow) grants to a quiet step; nothing else does.
    pub fn feed(&self, watchdog: Watchdog) {
        lock(&self.feed).watchdog = Some(watchdog);
        let feed = Arc::clone(&self.feed);
        let quietly = move || {
            loop {
                thread::sleep(QUIET_FEED);
                let Feed { watchdog, quiet_until } = &mut *lock(&feed);
                let Some(watchdog) = watchdog else { return };
                if quiet_until.is_some_and(|until| Instant::now() < until) {
                    watchdog.pet();
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("watchdog".into()).spawn(quietly) {
            self.console.line(&format!("long steps can't feed the watchdog: {error}"));
        }
    }

    /// What was told last, for the page.
    #[cfg(feature = "lan")]
    pub fn heard(&self) -> Arc<crate::lan::Heard> {
        Arc::clone(&self.heard)
    }

    /// Whether any step has failed.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether there is a watchdog already.
    pub fn is_watched(&self) -> bool {
        lock(&self.feed).watchdog.is_some()
    }

    /// Stops the watchdog, for a system that does not take it over.
    pub fn disarm(&self) {
        if let Some(watchdog) = lock(&self.feed).watchdog.take()
            && let Err(error) = watchdog.stop()
        {
            self.console.line(&format!("the watchdog can't be stopped: {error}"));
        }
    }

    /// Gives slow consoles a moment to take what was said, before somebody else speaks on them.
    pub fn drain(&self) {
        self.console.drain(Duration::from_secs(1));
    }
}

/// Returns the milliseconds since the kernel was started.
pub fn since_start() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME);
    now.map_or(0, |time| (time.tv_sec() * 1000 + time.tv_nsec() / 1_000_000).unsigned_abs())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Events for ConsoleEvents {
    fn send(&self, event: Event) {
        if !matches!(event, Event::Warning { .. } | Event::Retry { .. }) {
            let Feed { watchdog, quiet_until } = &mut *lock(&self.feed);
            // That one worker goes on says nothing of another one that has declared its time.
            if !matches!(event, Event::Progress { .. }) {
                *quiet_until = None;
            }
            watchdog.iter_mut().for_each(Watchdog::pet);
        }
        if let Event::Failed { reason, .. } = &event {
            self.failed.store(true, Ordering::Relaxed);
            pstore::leave(reason);
        }
        #[cfg(feature = "lan")]
        self.heard.hear(&event);
        let ms = since_start();
        {
            let Told { journal, attempt } = &mut *lock(&self.told);
            journal.push(ms, *attempt, &event);
        }
        self.console.line(&calm(&format!("drydock {:4}.{:02} {event}", ms / 1000, ms / 10 % 100)));
    }

    fn belongs_to(&self, attempt: Option<Attempt>) {
        lock(&self.told).attempt = attempt;
    }

    fn journal(&self) -> Vec<u8> {
        lock(&self.told).journal.text()
    }

    fn shared(&self) -> Arc<dyn Events> {
        Arc::new(self.clone())
    }

    fn allow(&self, quiet: Duration) {
        let Feed { watchdog, quiet_until } = &mut *lock(&self.feed);
        *quiet_until = (*quiet_until).max(Instant::now().checked_add(quiet));
        watchdog.iter_mut().for_each(Watchdog::pet);
    }
}
