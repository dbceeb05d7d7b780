//! A time limit for what the kernel may never answer: a disk that hangs, or the filesystem on it.

use std::any::Any;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What one thread hands to another one, one thing at a time. The channels of the standard library would do, but for the
/// 30 KB that they take on a device.
pub struct Handover<T> {
    place: Arc<(Mutex<Place<T>>, Condvar)>,
}

struct Place<T> {
    thing: Option<T>,
    /// Whether nobody takes anything any more.
    abandoned: bool,
}

impl<T> Clone for Handover<T> {
    fn clone(&self) -> Self {
        Self { place: Arc::clone(&self.place) }
    }
}

impl<T> Default for Handover<T> {
    /// One that nothing was handed over by yet.
    fn default() -> Self {
        Self { place: Arc::new((Mutex::new(Place { thing: None, abandoned: false }), Condvar::new())) }
    }
}

impl<T> Handover<T> {
    /// Waits until what was given before is taken, and gives this. Returns whether anybody is there to take it.
    pub fn give(&self, thing: T) -> bool {
        let (place, changed) = &*self.place;
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        while place.thing.is_some() && !place.abandoned {
            place = changed.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
        if !place.abandoned {
            place.thing = Some(thing);
            changed.notify_all();
        }
        !place.abandoned
    }

    /// Takes what is given; nothing where that takes longer than `limit`.
    pub fn take(&self, limit: Duration) -> Option<T> {
        let (place, changed) = &*self.place;
        let place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(place, limit, |place| place.thing.is_none());
        let (mut place, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let thing = place.thing.take();
        changed.notify_all();
        thing
    }

    /// Takes nothing any more: whoever gives something learns that.
    pub fn abandon(&self) {
        let (place, changed) = &*self.place;
        place.lock().unwrap_or_else(PoisonError::into_inner).abandoned = true;
        changed.notify_all();
    }
}

/// Work for a thread. It has no type of its own: each type would be a thread's beginning anew.
type Work = Box<dyn FnOnce() + Send>;

/// Has it done by a thread. Returns whether there is one.
pub fn apart(work: Work) -> bool {
    thread::Builder::new().name("medium".into()).spawn(work).is_ok()
}

/// Does something in a thread, and returns what came of it; nothing where it takes longer than `limit`. The thread is left
/// alone then: nothing ends one that the kernel does not let go. What it brings later is dropped there.
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let result: Handover<Box<dyn Any + Send>> = Handover::default();
    let theirs = result.clone();
    let begun = apart(Box::new(move || {
        theirs.give(Box::new(work()));
    }));
    let done = if begun { result.take(limit) } else { None };
    result.abandon();
    done?.downcast().ok().map(|done| *done)
}

#[cfg(test)]
mod tests {
    use super::{Handover, within};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_never_answers_is_abandoned_and_what_does_is_returned() {
        assert_eq!(within(LONG, || 7), Some(7));
        let (hold, held) = mpsc::channel::<()>();
        let never = move || {
            let _ = held.recv();
            7
        };
        assert_eq!(within(Duration::from_millis(20), never), None);
        drop(hold);
    }

    #[test]
    fn things_come_one_after_the_other_until_nobody_takes_them() {
        let handover = Handover::default();
        let theirs = handover.clone();
        let giver = thread::spawn(move || (0..100).take_while(|n| theirs.give(*n)).count());
        assert_eq!(
            [handover.take(LONG), handover.take(LONG), handover.take(LONG)],
            [Some(0), Some(1), Some(2)]
        );
        handover.abandon();
        assert!((3..=4).contains(&giver.join().unwrap()));
        assert!(!handover.give(5));
    }
}
