//! What is done about trouble: the same again after a while, another mirror, or nothing more.

use crate::trouble::Trouble;
use drydock_state::UnixTime;
use std::time::Duration;

/// How long is waited, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The first pause.
    pub first: Duration,
    /// The longest pause of our own.
    pub longest: Duration,
    /// The longest pause that a server may ask for.
    pub longest_asked: Duration,
    /// How many tries in a row may bring nothing.
    pub fruitless: u32,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            longest_asked: Duration::from_secs(3600),
            fruitless: 12,
        }
    }
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask this mirror after so long a pause.
    Again {
        /// The number of the mirror, from 0.
        mirror: usize,
        /// The pause.
        pause: Duration,
    },
    /// Nothing: no mirror can be expected to answer.
    GiveUp,
}

/// Keeps count of tries that have brought nothing, and of mirrors that will bring nothing.
#[derive(Clone, Debug)]
pub struct Retries {
    waits: Waits,
    fruitless: u32,
    mirror: usize,
    /// Which mirrors are still asked.
    usable: Vec<bool>,
}

impl Retries {
    /// Returns the state before the first try, with so many mirrors; the first one comes first.
    pub fn new(waits: Waits, mirrors: usize) -> Self {
        Self { waits, fruitless: 0, mirror: 0, usable: vec![true; mirrors.max(1)] }
    }

    /// The number of the mirror that is asked now.
    pub fn mirror(&self) -> usize {
        self.mirror
    }

    /// Something has come: tries count from the beginning again.
    pub fn progressed(&mut self) {
        self.fruitless = 0;
    }

    /// Decides what follows from trouble. `chance` is any number, so that a fleet that a server has turned away at one
    /// moment does not come back at one moment.
    ///
    /// A pause doubles with every try that brings nothing, up to the longest, and lies between half of that and all of it.
    /// Where a server asks for a longer one it gets it, up to a limit. Another mirror, if there is one, is asked in the
    /// same round, without a pause but the server's.
    pub fn after(&mut self, trouble: &Trouble, chance: u32, now: UnixTime) -> Verdict {
        self.fruitless += 1;
        if !trouble.may_pass()
            && let Some(usable) = self.usable.get_mut(self.mirror)
        {
            *usable = false;
        }
        let left = self.usable.iter().filter(|usable| **usable).count() as u32;
        if left == 0 || self.fruitless >= self.waits.fruitless {
            return Verdict::GiveUp;
        }
        let before = self.mirror;
        self.mirror = self.next_mirror();
        let asked = match trouble {
            Trouble::Status { after: Some(after), .. } if self.mirror == before => {
                Duration::from_secs(after.seconds(now)).min(self.waits.longest_asked)
            }
            _ => Duration::ZERO,
        };
        // Only when every mirror has been asked is it time to wait.
        let pause = match self.fruitless.checked_rem(left) {
            Some(0) => self.jittered(self.fruitless / left, chance),
            _ => Duration::ZERO,
        };
        Verdict::Again { mirror: self.mirror, pause: pause.max(asked) }
    }

    fn next_mirror(&self) -> usize {
        let count = self.usable.len();
        let order = (1..=count).map(|step| (self.mirror + step) % count);
        order.into_iter().find(|mirror| self.usable.get(*mirror) == Some(&true)).unwrap_or(self.mirror)
    }

    fn jittered(&self, round: u32, chance: u32) -> Duration {
        let doubled = 1u32.checked_shl(round.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        let full = self.waits.first.saturating_mul(doubled).min(self.waits.longest);
        let half = full / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::RetryAfter;

    const WAITS: Waits = Waits {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(20),
        longest_asked: Duration::from_secs(100),
        fruitless: 8,
    };

    fn broken() -> Trouble {
        Trouble::Broken("it broke".into())
    }

    fn pause(verdict: Verdict) -> Duration {
        match verdict {
            Verdict::Again { pause, .. } => pause,
            Verdict::GiveUp => panic!("it gave up"),
        }
    }

    #[test]
    fn pauses_grow_up_to_the_longest_and_the_budget_ends_it() {
        let mut retries = Retries::new(WAITS, 1);
        let seconds: Vec<_> =
            (0..7).map(|_| pause(retries.after(&broken(), u32::MAX, UnixTime(0))).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 20, 20, 20]);
        assert_eq!(retries.after(&broken(), 0, UnixTime(0)), Verdict::GiveUp);
    }

    #[test]
    fn chance_takes_up_to_half_of_a_pause_away() {
        for (chance, least, most) in [(0, 1000, 1000), (u32::MAX / 2, 1499, 1501), (u32::MAX, 2000, 2000)] {
            let taken = pause(Retries::new(WAITS, 1).after(&broken(), chance, UnixTime(0))).as_millis();
            assert!((least..=most).contains(&taken), "{chance}: {taken}");
        }
    }

    #[test]
    fn progress_gives_the_budget_back() {
        let mut retries = Retries::new(WAITS, 1);
        for _ in 0..1000 {
            assert_ne!(retries.after(&broken(), 0, UnixTime(0)), Verdict::GiveUp);
            retries.progressed();
        }
    }

    #[test]
    fn a_server_gets_the_pause_that_it_asks_for_up_to_a_limit() {
        for (after, seconds) in [
            (RetryAfter::Seconds(30), 30),
            (RetryAfter::Seconds(u64::MAX), 100),
            (RetryAfter::At(UnixTime(1050)), 50),
            (RetryAfter::At(UnixTime(3)), 2),
        ] {
            let trouble = Trouble::Status { status: 503, after: Some(after) };
            let verdict = Retries::new(WAITS, 1).after(&trouble, u32::MAX, UnixTime(1000));
            assert_eq!(pause(verdict).as_secs(), seconds, "{after:?}");
        }
    }

    #[test]
    fn mirrors_take_turns_and_one_that_refuses_is_not_asked_again() {
        let mut retries = Retries::new(WAITS, 3);
        let gone = Trouble::Status { status: 404, after: None };
        assert_eq!(
            retries.after(&broken(), 0, UnixTime(0)),
            Verdict::Again { mirror: 1, pause: Duration::ZERO }
        );
        assert_eq!(
            retries.after(&gone, 0, UnixTime(0)),
            Verdict::Again { mirror: 2, pause: Duration::from_secs(1) }
        );
        let next = retries.after(&broken(), 0, UnixTime(0));
        assert!(matches!(next, Verdict::Again { mirror: 0, .. }), "{next:?}");
        assert!(matches!(retries.after(&gone, 0, UnixTime(0)), Verdict::Again { mirror: 2, .. }));
        assert_eq!(retries.after(&gone, 0, UnixTime(0)), Verdict::GiveUp);
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        for status in [400, 401, 403, 404, 410, 501] {
            let trouble = Trouble::Status { status, after: None };
            assert_eq!(Retries::new(WAITS, 1).after(&trouble, 0, UnixTime(0)), Verdict::GiveUp, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let trouble = Trouble::Status { status, after: None };
            assert_ne!(Retries::new(WAITS, 1).after(&trouble, 0, UnixTime(0)), Verdict::GiveUp, "{status}");
        }
    }
}
