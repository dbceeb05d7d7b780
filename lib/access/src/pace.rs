//! Pauses after wrong answers.
//!
//! A signature can't be guessed, so nobody has to be kept out by waiting. What the pauses keep low is the work that answers
//! make, and the noise. An answer that comes within one is not looked at and does not make it longer, so that a flood ends
//! with a pause of [`LONGEST`] and not in a door that stays shut.

use std::time::Duration;

/// So many wrong answers may come at once.
const FREE: u32 = 2;
/// The longest pause.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// After so long without a wrong answer all is forgotten.
const FORGET: Duration = Duration::from_secs(600);

/// The pauses of one place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    wrong: u32,
    last: Duration,
    open_at: Duration,
}

impl Pace {
    /// Returns how many seconds an answer has to wait, if it has to.
    pub(crate) fn wait(&self, now: Duration) -> Option<u64> {
        let left = self.open_at.checked_sub(now).filter(|left| !left.is_zero())?;
        Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }

    /// There was a wrong answer.
    pub(crate) fn wrong(&mut self, now: Duration) {
        if now.saturating_sub(self.last) > FORGET {
            self.wrong = 0;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
        let doubled = 1u64.checked_shl(self.wrong.saturating_sub(FREE)).unwrap_or(u64::MAX);
        if self.wrong > FREE {
            self.open_at = now + Duration::from_secs(doubled).min(LONGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_are_forgotten() {
        let mut pace = Pace::default();
        let mut now = Duration::from_secs(1000);
        let mut pauses = vec![];
        for _ in 0..80 {
            pace.wrong(now);
            pauses.push(pace.wait(now).unwrap_or(0));
            now += Duration::from_secs(pace.wait(now).unwrap_or(0));
            assert_eq!(pace.wait(now), None);
        }
        assert_eq!(pauses[..9], [0, 0, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses[79], 60);
        now += FORGET + Duration::from_secs(1);
        pace.wrong(now);
        assert_eq!(pace.wait(now), None);
    }
}
