//! What a key may be used for.

use crate::common::{NOW, door, facts, request, rule, signed};
use drydock_access::{Error, Facts, Request, Rule, Verb, Why};
use drydock_state::UnixTime;

fn wipe() -> Request {
    request(Verb::Wipe, "logs")
}

fn judged(rule: Rule, facts: &Facts) -> Result<Option<(u32, u32)>, Why> {
    match signed(&mut door(vec![rule]), 1, &wipe()).judge(facts) {
        Ok(admitted) => {
            assert_eq!((admitted.key_name.as_str(), &admitted.request), ("key-1", &wipe()));
            Ok(admitted.counted)
        }
        Err(Error::NotAllowed { why, .. }) => Err(why),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_key_is_for_its_verbs_only() {
    let only = |verbs: &[Verb]| Rule { verbs: Some(verbs.to_vec()), ..rule(1) };
    assert_eq!(judged(rule(1), &facts(0)), Ok(None));
    assert_eq!(judged(only(&[Verb::Install, Verb::Wipe]), &facts(0)), Ok(None));
    assert_eq!(judged(only(&[Verb::Install]), &facts(0)), Err(Why::Verb));
    assert_eq!(judged(only(&[]), &facts(0)), Err(Why::Verb));
}

#[test]
fn an_expired_key_is_refused_from_the_day_after_its_last_one_on() {
    let until = |day: &str| Rule { until: Some(day.parse().unwrap()), ..rule(1) };
    assert_eq!(judged(until("2026-11-23"), &facts(0)), Ok(None));
    assert_eq!(judged(until("2026-11-22"), &facts(0)), Err(Why::Expired("2026-11-22".parse().unwrap())));
}

#[test]
fn a_key_that_is_used_up_is_refused_whatever_the_clock_says() {
    let twice = || Rule { uses: Some(2), ..rule(1) };
    assert_eq!(judged(twice(), &facts(0)), Ok(Some((1, 2))));
    assert_eq!(judged(twice(), &facts(1)), Ok(Some((2, 2))));
    for used in [2, 3, u32::MAX] {
        assert_eq!(judged(twice(), &facts(used)), Err(Why::UsedUp(2)));
    }
    assert_eq!(judged(twice(), &Facts { now: UnixTime(0), ..facts(2) }), Err(Why::UsedUp(2)));
}

#[test]
fn without_a_clock_an_end_date_is_kept_by_counted_uses_or_not_at_all() {
    let until = "2027-06-30".parse().unwrap();
    let dated = || Rule { until: Some(until), ..rule(1) };
    let counted = || Rule { uses: Some(3), ..dated() };
    // No battery; a clock that was set back behind what the history knows.
    for no_clock in [
        Facts { now: UnixTime(500), past: UnixTime(0), used: 0 },
        Facts { now: NOW, past: UnixTime(NOW.0 + 1), used: 0 },
    ] {
        assert_eq!(judged(dated(), &no_clock), Err(Why::NoClock(until)));
        assert_eq!(judged(counted(), &no_clock), Ok(Some((1, 3))));
        assert_eq!(judged(counted(), &Facts { used: 3, ..no_clock }), Err(Why::UsedUp(3)));
    }
    let late = Facts { now: UnixTime(NOW.0 * 2), ..facts(0) };
    assert_eq!(judged(counted(), &late), Err(Why::Expired(until)));
}

#[test]
fn who_is_refused_is_told_by_name_what_for_and_why() {
    let limited = Rule { verbs: Some(vec![Verb::Install]), ..rule(1) };
    let said = signed(&mut door(vec![limited]), 1, &wipe()).judge(&facts(0)).unwrap_err().to_string();
    assert_eq!(said, "the key `key-1` may not be used for wipe logs: it is not for that");
}
