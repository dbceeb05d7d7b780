//! What is behind all connections of a page: who was let in, and what requests lead to.

use super::chance::token;
use super::limits::Limits;
use drydock_engine::Error;
use drydock_engine::lan::Office;
use drydock_page::{Admission, Admissions, Guard, Refusal, Token, Upload, Wish};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A page, for all of its connections.
pub(super) struct Site {
    pub(super) office: Arc<dyn Office>,
    pub(super) guard: Guard,
    limits: Limits,
    stop: Arc<AtomicBool>,
    start: Instant,
    pub(super) admissions: Mutex<Admissions>,
    /// Held by an upload: there is one at a time.
    pub(super) uploading: Mutex<()>,
    pub(super) upload: Mutex<Option<Upload>>,
}

/// Why something is not done: it may not be, or the device does not.
pub(super) enum Not {
    /// It may not be.
    Allowed(Refusal),
    /// The device does not, and says why.
    Done(Error),
    /// The client has gone, or was too slow.
    There(io::Error),
}

impl From<Refusal> for Not {
    fn from(refusal: Refusal) -> Self {
        Self::Allowed(refusal)
    }
}

impl From<Error> for Not {
    fn from(error: Error) -> Self {
        Self::Done(error)
    }
}

impl From<io::Error> for Not {
    fn from(error: io::Error) -> Self {
        Self::There(error)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Site {
    pub(super) fn new(office: Arc<dyn Office>, guard: Guard, limits: Limits, stop: Arc<AtomicBool>) -> Self {
        Self {
            office,
            guard,
            limits,
            stop,
            start: Instant::now(),
            admissions: Mutex::default(),
            uploading: Mutex::default(),
            upload: Mutex::default(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the page is to end.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The time since the page came up.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Lets somebody in. Returns what they show from then on.
    pub(super) fn admit(&self, wish: Wish, key: String) -> Result<Token, Not> {
        let token = token()?;
        lock(&self.admissions).admit(wish, key, token.clone(), self.now());
        Ok(token)
    }

    /// Returns who shows a token for what is wanted, for the last time.
    pub(super) fn take(
        &self,
        bearer: Option<&str>,
        wanted: impl Fn(&Wish) -> bool,
    ) -> Result<Admission, Refusal> {
        let mut admissions = lock(&self.admissions);
        if !wanted(&admissions.who(bearer, self.now())?.wish) {
            return Err(Refusal::NotAdmitted);
        }
        admissions.take(bearer, self.now())
    }

    /// What was taken has come to nothing.
    pub(super) fn give_back(&self, admission: Admission) {
        lock(&self.admissions).give_back(admission);
    }
}
