//! How far an order is, from the record alone: what a server is told is what the device remembers, not what somebody has
//! meant to do.

use drydock_state::fleet::{Ended, How, Order};
use drydock_state::{Entry, Outcome, Record, SetName, SetStatus};

/// How far an order is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has become no intent yet.
    Open,
    /// Its intent waits for recovery, which was started for it so many times.
    Waiting(u32),
    /// It is in this set, which has not yet said that it is well.
    Trial(SetName),
    /// It is over.
    Over(Ended),
}

/// Tells how far an order is. Whatever becomes of its intent, it is over at some time.
pub fn standing(record: &Record, order: &Order) -> Standing {
    if let Some(end) = &order.end {
        return Standing::Over(end.clone());
    }
    if order.intent == 0 {
        return Standing::Open;
    }
    let outcome = record.outcome_of(order.intent);
    if let (None, Some(intent)) = (outcome, &record.intent)
        && intent.id == order.intent
    {
        return Standing::Waiting(intent.starts);
    }
    let over = |how, reason: &str| Standing::Over(Ended { how, reason: reason.into() });
    match outcome {
        Some(Entry { outcome: Outcome::Failed, reason, .. }) => over(How::Failed, reason),
        Some(Entry { outcome: Outcome::Cancelled, .. }) => {
            over(How::Cancelled, "it was taken back on the device")
        }
        installed => of_sets(record, order, installed),
    }
}

/// How far an order is that was installed, or of which the history says nothing any more.
fn of_sets(record: &Record, order: &Order, installed: Option<&Entry>) -> Standing {
    let over = |how, reason: String| Standing::Over(Ended { how, reason });
    let since = |entry: &Entry| record.history.iter().rev().take_while(|other| *other != entry).collect();
    // From the newest one on.
    let later: Vec<&Entry> = installed.map_or_else(|| record.history.iter().rev().collect(), since);
    let about = |set: Option<SetName>, outcomes: &[Outcome]| {
        let found = later.iter().find(|entry| entry.set == set && outcomes.contains(&entry.outcome));
        found.map(|entry| (*entry).clone())
    };
    let holder = SetName::BOTH
        .into_iter()
        .find(|set| !order.manifest.is_none() && record.sets.get(*set).manifest == order.manifest);
    let set = installed.and_then(|entry| entry.set).or(holder);
    let version = if order.version.is_empty() { "the release" } else { order.version.as_str() };
    match holder.map(|set| (set, &record.sets.get(set).status)) {
        Some((set, SetStatus::Trial)) => Standing::Trial(set),
        Some((set, SetStatus::Good)) => {
            over(How::Good, format!("{version} runs in set {set}, and has said that it is well"))
        }
        _ if about(set, &[Outcome::MarkedGood]).is_some() => over(
            How::Good,
            format!("{version} had said that it is well, before something else took its place"),
        ),
        _ => match about(set, &[Outcome::RolledBack, Outcome::MarkedBad]) {
            Some(Entry { reason, .. }) if reason.is_empty() => {
                over(How::RolledBack, "it was given up by hand; the other set runs".into())
            }
            Some(Entry { reason, .. }) => over(How::RolledBack, reason),
            None => {
                over(How::Failed, "something else took its place before it had said that it is well".into())
            }
        },
    }
}

/// Whether an order can still be given up without a trace: recovery has not been started for it.
pub(super) fn can_be_given_up(record: &Record, order: &Order) -> bool {
    matches!(standing(record, order), Standing::Open | Standing::Waiting(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_format::Digest;
    use drydock_state::transition::{self, Counters, Running};
    use drydock_state::{Job, Observed, SetInfo, Source, Starts, UnixTime};

    const NOW: UnixTime = UnixTime(1);
    const NEW: Digest = Digest([2; 32]);

    fn info(version: &str, manifest: Digest) -> SetInfo {
        SetInfo { version: version.into(), manifest: manifest.into(), ..SetInfo::default() }
    }

    /// A device with an order that has become an intent.
    fn ordered() -> (Record, Order) {
        let mut record = transition::flashed(info("1", Digest([1; 32])), NOW);
        let source = Source::Data { path: "b".into() };
        let intent = transition::stage(&mut record, Job::Update { source, manifest: NEW }, "2", NOW).unwrap();
        (record, Order { action: 7, version: "2".into(), manifest: NEW.into(), intent, ..Order::default() })
    }

    fn installed() -> (Record, Order) {
        let (mut record, order) = ordered();
        transition::begin_write(&mut record, SetName::B);
        transition::installed(&mut record, SetName::B, info("2", NEW), "", NOW);
        (record, order)
    }

    fn over(record: &Record, order: &Order) -> (How, String) {
        match standing(record, order) {
            Standing::Over(Ended { how, reason }) => (how, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_order_waits_is_tried_and_is_good() {
        let (mut record, order) = ordered();
        assert_eq!(standing(&record, &Order { intent: 0, ..order.clone() }), Standing::Open);
        assert_eq!(standing(&record, &order), Standing::Waiting(0));
        assert!(can_be_given_up(&record, &order));
        transition::count_start(&mut record, 9, NOW);
        assert_eq!(standing(&record, &order), Standing::Waiting(1));
        assert!(!can_be_given_up(&record, &order));
        let (mut record, order) = installed();
        assert_eq!(standing(&record, &order), Standing::Trial(SetName::B));
        transition::mark_good(&mut record, SetName::B, NOW).unwrap();
        assert_eq!(over(&record, &order).0, How::Good);
    }

    #[test]
    fn an_order_that_came_to_nothing_says_why() {
        let (mut record, order) = ordered();
        transition::fail(&mut record, "the disk is broken", NOW);
        assert_eq!(over(&record, &order), (How::Failed, "the disk is broken".into()));
        let (mut record, order) = ordered();
        transition::cancel(&mut record, NOW).unwrap();
        assert_eq!(over(&record, &order).0, How::Cancelled);
        let (mut record, order) = installed();
        let left = Starts { a: 3, b: 0, recovery: 3 };
        let told = record.wanted(3);
        let observed = Observed {
            generation: told.generation,
            first: told.first,
            mode: told.mode,
            left,
            copy: told.copy,
        };
        let counters = Counters::of(&record, Some(observed));
        transition::settle(&mut record, counters, Running::Set(SetName::A), NOW);
        let (how, reason) = over(&record, &order);
        assert!(how == How::RolledBack && reason.contains("never said that it is well"), "{reason}");
        let (mut record, order) = installed();
        transition::roll_back(&mut record, NOW).unwrap();
        assert_eq!(over(&record, &order).0, How::RolledBack);
    }

    #[test]
    fn what_was_good_stays_good_when_something_else_takes_its_place() {
        let (mut record, order) = installed();
        transition::mark_good(&mut record, SetName::B, NOW).unwrap();
        record.sets.b = info("3", Digest([3; 32]));
        assert_eq!(over(&record, &order).0, How::Good);
        let (mut record, order) = installed();
        record.sets.b = info("3", Digest([3; 32]));
        assert_eq!(over(&record, &order).0, How::Failed);
    }

    #[test]
    fn an_order_is_over_even_where_the_history_has_forgotten_it() {
        let (mut record, order) = installed();
        record.history.clear();
        assert_eq!(standing(&record, &order), Standing::Trial(SetName::B));
        transition::mark_good(&mut record, SetName::B, NOW).unwrap();
        record.history.clear();
        assert_eq!(over(&record, &order).0, How::Good);
        record.sets.b = SetInfo::default();
        assert_eq!(over(&record, &order).0, How::Failed);
    }
}
