//! What a person, or a program that watches the system, decides against the set that is first in order.

use super::entry::entry;
use super::intents::make_way;
use crate::error::Error;
use crate::name::SetName;
use crate::record::{Outcome, Record, SetStatus};
use crate::time::UnixTime;

const REASON: &str = "by hand";

/// Returns the set that takes over once this one is given up. It is good, and not below the boot floor.
///
/// [`roll_back`] and [`mark_bad`] ask the same; whoever writes their outcome checks the trailers of this set first.
pub fn successor(record: &Record, given_up: SetName) -> Result<SetName, Error> {
    let set = given_up.other();
    let info = record.sets.get(set);
    let why = match &info.status {
        SetStatus::Good if info.security_version >= record.floors.boot => return Ok(set),
        SetStatus::Good => format!(
            "its security version {} is below {}, the lowest that this device boots",
            info.security_version, record.floors.boot
        ),
        SetStatus::Trial => "it has not said yet that it is well".into(),
        SetStatus::Empty => "it is empty".into(),
        SetStatus::Bad => "it is marked bad".into(),
        SetStatus::Unknown(name) => {
            format!("a later drydock calls it `{name}`, which this one does not know")
        }
    };
    Err(Error::Refused(format!("set {set} can't take over: {why}; install a release into it first")))
}

/// Gives up the set that is first in order for the other one, which becomes the last good one. A set on trial becomes
/// bad; a good one stays the second choice. Returns the set that is first now.
pub fn roll_back(record: &mut Record, time: UnixTime) -> Result<SetName, Error> {
    let given_up = record.first_set();
    let status = match record.trial {
        Some(_) => SetStatus::Bad,
        None => record.sets.get(given_up).status.clone(),
    };
    give_up(record, given_up, status, Outcome::RolledBack, time)
}

/// Gives up a set, which is not started any more. Returns the set that is first now.
pub fn mark_bad(record: &mut Record, set: SetName, time: UnixTime) -> Result<SetName, Error> {
    if !record.sets.get(set).bootable() {
        return Err(Error::Refused(format!("set {set} is not started anyway: it is empty or bad already")));
    }
    give_up(record, set, SetStatus::Bad, Outcome::MarkedBad, time)
}

fn give_up(
    record: &mut Record,
    set: SetName,
    status: SetStatus,
    outcome: Outcome,
    time: UnixTime,
) -> Result<SetName, Error> {
    let next = successor(record, set)?;
    make_way(record, time)?;
    let info = record.sets.get_mut(set);
    info.status = status;
    let version = info.version.clone();
    // The other set is good, so no other trial goes on.
    record.trial = None;
    record.last_good = Some(next);
    record.generation.raise();
    record.remember(entry(0, time, outcome, Some(set), &version, REASON));
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::{Job, Source};
    use crate::record::SetInfo;
    use crate::transition::{damaged, flashed, installed, mark_good, rearm, stage};
    use drydock_format::sha256;

    const NOW: UnixTime = UnixTime(0);
    const A: SetName = SetName::A;
    const B: SetName = SetName::B;

    fn release(version: &str, security_version: u32) -> SetInfo {
        SetInfo { version: version.into(), security_version, ..SetInfo::default() }
    }

    /// Version 1 in a is good, version 2 in b has its trial.
    fn on_trial() -> Record {
        let mut record = flashed(release("1", 1), NOW);
        installed(&mut record, B, release("2", 2), "", NOW);
        record
    }

    /// Version 2 in b runs, version 1 in a is the second choice.
    fn both_good() -> Record {
        let mut record = on_trial();
        mark_good(&mut record, B, NOW).unwrap();
        record
    }

    fn refused(result: Result<SetName, Error>, words: &str) {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }

    /// What a set is now, what is first and last good, and how the last entry tells it.
    fn told(
        record: &Record,
        set: SetName,
    ) -> (SetStatus, SetName, Option<SetName>, Outcome, Option<SetName>) {
        let last = record.history.last().unwrap();
        let status = record.sets.get(set).status.clone();
        (status, record.first_set(), record.last_good, last.outcome.clone(), last.set)
    }

    #[test]
    fn a_good_set_that_is_rolled_back_stays_the_second_choice_and_can_come_back() {
        let mut record = both_good();
        let generation = record.generation;
        assert_eq!(roll_back(&mut record, NOW).unwrap(), A);
        assert_eq!(told(&record, B), (SetStatus::Good, A, Some(A), Outcome::RolledBack, Some(B)));
        assert!(record.generation > generation);
        assert_eq!(roll_back(&mut record, NOW).unwrap(), B);
    }

    #[test]
    fn a_set_on_trial_that_is_given_up_is_bad() {
        let mut record = on_trial();
        assert_eq!(roll_back(&mut record, NOW).unwrap(), A);
        assert_eq!(told(&record, B), (SetStatus::Bad, A, Some(A), Outcome::RolledBack, Some(B)));
        refused(roll_back(&mut record, NOW), "marked bad");

        let mut record = on_trial();
        assert_eq!(mark_bad(&mut record, B, NOW).unwrap(), A);
        assert_eq!(told(&record, B), (SetStatus::Bad, A, Some(A), Outcome::MarkedBad, Some(B)));
        refused(mark_bad(&mut record, B, NOW), "bad already");
    }

    #[test]
    fn a_good_set_that_is_marked_bad_leaves_the_other_one() {
        for (set, next) in [(A, B), (B, A)] {
            let mut record = both_good();
            assert_eq!(mark_bad(&mut record, set, NOW).unwrap(), next);
            assert_eq!(told(&record, set), (SetStatus::Bad, next, Some(next), Outcome::MarkedBad, Some(set)));
            refused(mark_bad(&mut record, next, NOW), "can't take over");
        }
    }

    #[test]
    fn a_set_that_is_found_damaged_is_what_the_next_update_overwrites() {
        let mut record = both_good();
        damaged(&mut record, B, "its hash tree is wrong", NOW);
        assert_eq!(rearm(&mut record, NOW), Some(A));
        assert_eq!((record.last_good, record.first_set(), record.target_set()), (Some(A), A, B));
    }

    #[test]
    fn what_leaves_nothing_good_is_below_the_floor_or_in_the_way_of_a_job_is_refused() {
        let mut record = flashed(release("1", 1), NOW);
        refused(roll_back(&mut record, NOW), "set b can't take over: it is empty");
        refused(mark_bad(&mut record, A, NOW), "set b can't take over: it is empty");

        refused(mark_bad(&mut on_trial(), A, NOW), "has not said yet that it is well");

        let mut record = both_good();
        record.floors.boot = 2;
        refused(roll_back(&mut record, NOW), "security version 1 is below 2");
        refused(mark_bad(&mut record, B, NOW), "security version 1 is below 2");

        let mut record = both_good();
        let job = Job::Update { source: Source::Data { path: "x".into() }, manifest: sha256(b"3") };
        stage(&mut record, job, "3", NOW).unwrap();
        let before = record.clone();
        refused(roll_back(&mut record, NOW), "drydock cancel");
        refused(mark_bad(&mut record, A, NOW), "drydock cancel");
        assert_eq!(record, before);
    }
}
