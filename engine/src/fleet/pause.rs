//! When to ask again: such that a fleet that was turned away at one moment does not come back at one moment.

use std::time::Duration;

/// The longest pause of our own. After an outage of hours a fleet comes back within it, evenly.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// The first pause after an error.
pub const FIRST: Duration = Duration::from_secs(30);
/// The longest pause that a server may ask for.
pub const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// What an answer comes after: how many devices may be in step with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The start of the agent. A whole fleet may have been switched on at this moment.
    AtOnce,
    /// Failures: the server may have been away from everybody until now.
    AtLast,
    /// Another answer.
    Again,
}

/// Returns the pause after an answer, where the server wants to be asked every `sleep`. In the usual case it is a tenth less at
/// most; that alone would leave devices in step for hours. So those that may be in step spread once, over as much time as there is
/// on average between two polls: from the first answer on (though not within [`FIRST`]), and after failures from a half of
/// `sleep` on, which are no more requests than otherwise. `chance` is any number.
pub fn after_answer(sleep: Duration, answered: Answered, chance: u32) -> Duration {
    let part = part(chance);
    let average = sleep - sleep / 20;
    match answered {
        Answered::AtOnce => average.mul_f64(part).max(FIRST.min(average)),
        Answered::AtLast => sleep / 2 + average.mul_f64(part),
        Answered::Again => sleep - (sleep / 10).mul_f64(part),
    }
}

/// Returns the pause after `failures` failures in a row, at least one: it doubles with each of them up to [`LONGEST`], is never
/// shorter than what the server usually wants, and lies anywhere between a half of that and all of it. What a server asks for is
/// waited for, up to [`LONGEST_ASKED`], and as much as half of it on top.
pub fn after_failure(sleep: Duration, failures: u32, asked: Option<Duration>, chance: u32) -> Duration {
    let doubled =
        FIRST.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX).max(1));
    let own = doubled.min(LONGEST).max(sleep);
    let own = own / 2 + (own / 2).mul_f64(part(chance));
    let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
    own.max(asked + (asked / 2).mul_f64(part(chance)))
}

/// A number from 0 to 1.
fn part(chance: u32) -> f64 {
    f64::from(chance) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SLEEP: Duration = Duration::from_secs(300);

    #[test]
    fn pauses_grow_and_then_stay_as_they_are() {
        let pauses: Vec<u64> = [1, 4, 5, 6, 8, 40, u32::MAX]
            .map(|failures| after_failure(SLEEP, failures, None, u32::MAX).as_secs())
            .into();
        assert_eq!(pauses, [300, 300, 480, 960, 3600, 3600, 3600]);
        assert_eq!(after_failure(SLEEP, 40, None, 0), LONGEST / 2);
    }

    #[test]
    fn what_a_server_asks_for_is_waited_for_within_reason() {
        let asked = |seconds| after_failure(SLEEP, 1, Some(Duration::from_secs(seconds)), 0).as_secs();
        assert_eq!((asked(0), asked(7200), asked(u64::MAX)), (150, 7200, 86_400));
    }

    proptest! {
        #[test]
        fn no_pause_leaves_its_bounds(sleep in 0u64..90_000, failures in 1u32.., asked in proptest::option::of(any::<u64>()), chance: u32) {
            let sleep = Duration::from_secs(sleep);
            let pause = after_failure(sleep, failures, asked.map(Duration::from_secs), chance);
            prop_assert!(pause >= FIRST / 2 && pause <= (LONGEST_ASKED * 3 / 2).max(sleep));
            let pause = after_answer(sleep, Answered::Again, chance);
            prop_assert!(pause <= sleep && pause >= sleep * 9 / 10);
            let pause = after_answer(sleep, Answered::AtOnce, chance);
            prop_assert!(pause <= sleep && pause >= FIRST.min(sleep * 9 / 10));
            let pause = after_answer(sleep, Answered::AtLast, chance);
            prop_assert!(pause <= sleep * 3 / 2 && pause >= sleep / 2);
        }
    }
}
