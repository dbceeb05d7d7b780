//! When to ask again: such that a fleet that was turned away at one moment does not come back at one moment.

use std::time::Duration;

/// The longest pause of our own. After an outage of hours a fleet comes back within it, evenly.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// The first pause after an error.
pub const FIRST: Duration = Duration::from_secs(30);
/// The longest pause that a server may ask for.
pub const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// Returns the pause after an answer, where the server wants to be asked every `sleep`: a tenth of it less at most, so that
/// devices that were switched on at one moment drift apart. `chance` is any number.
pub fn after_answer(sleep: Duration, chance: u32) -> Duration {
    sleep - (sleep / 10).mul_f64(part(chance))
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
            let pause = after_answer(sleep, chance);
            prop_assert!(pause <= sleep && pause >= sleep * 9 / 10);
        }
    }
}
