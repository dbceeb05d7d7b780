//! No bootloader: the firmware always starts one image, and process 1 does what a bootloader would do.

use super::{Mode, Observed, Wanted};
use crate::name::SetName;

/// What process 1 starts where nobody has told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A set.
    Set(SetName),
    /// Recovery, which has a job.
    Job,
    /// Recovery, because nothing else may be started, or because nothing is known.
    Fallback,
}

/// Returns what is started next, and what is left then. That has to be on stable storage before it is started.
///
/// It is GRUB's decision (`bootloader-scripts/grub/README.md`), but for what only a loader needs: there is one image, so
/// neither are kernels looked at nor copies of the recovery exchanged. Without anything that can be believed it is
/// [`Choice::Fallback`], and nothing is counted.
pub fn choose(observed: Option<Observed>) -> (Choice, Option<Wanted>) {
    let Some(observed) = observed else { return (Choice::Fallback, None) };
    let mut left = Wanted::from(observed);
    let mut choice = Choice::Fallback;
    if observed.mode == Mode::Recovery && observed.left.recovery > 0 {
        left.attempts.recovery -= 1;
        choice = Choice::Job;
    } else if let Some(set) =
        [observed.first, observed.first.other()].into_iter().find(|set| observed.left.of(*set) > 0)
    {
        *left.attempts.of_mut(set) -= 1;
        choice = Choice::Set(set);
    }
    (choice, (choice != Choice::Fallback).then_some(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootloader::Starts;
    use crate::generation::Generation;
    use crate::name::CopyName;

    fn observed(first: SetName, mode: Mode, a: u8, b: u8, recovery: u8) -> Observed {
        let left = Starts { a, b, recovery };
        Observed { generation: Generation(17), first, mode, left, copy: CopyName::A }
    }

    #[test]
    fn a_job_comes_first_then_the_sets_in_order_and_each_start_is_counted() {
        use Mode::{Normal, Recovery};
        use SetName::{A, B};
        for (now, choice, (a, b, recovery)) in [
            (observed(B, Recovery, 2, 3, 1), Choice::Job, (2, 3, 0)),
            (observed(B, Recovery, 2, 3, 0), Choice::Set(B), (2, 2, 0)),
            (observed(B, Normal, 2, 3, 4), Choice::Set(B), (2, 2, 4)),
            (observed(B, Normal, 2, 0, 4), Choice::Set(A), (1, 0, 4)),
            (observed(A, Normal, 2, 3, 4), Choice::Set(A), (1, 3, 4)),
            (observed(A, Normal, 0, 3, 4), Choice::Set(B), (0, 2, 4)),
        ] {
            let left = Wanted { attempts: Starts { a, b, recovery }, ..Wanted::from(now) };
            assert_eq!(choose(Some(now)), (choice, Some(left)), "{now:?}");
        }
    }

    #[test]
    fn without_a_start_left_and_without_anything_known_it_is_recovery_and_nothing_is_counted() {
        let spent = observed(SetName::A, Mode::Recovery, 0, 0, 0);
        assert_eq!(choose(Some(spent)), (Choice::Fallback, None));
        assert_eq!(choose(Some(observed(SetName::B, Mode::Normal, 0, 0, 3))), (Choice::Fallback, None));
        assert_eq!(choose(None), (Choice::Fallback, None));
    }
}
