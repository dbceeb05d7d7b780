//! What technicians leave in the record.

use super::entry::entry;
use crate::record::{Outcome, Record};
use crate::time::UnixTime;

/// So many entries of technicians are kept: they push out each other, and not what has happened to the device.
pub const SERVICE_LIMIT: usize = 32;

/// A technician was let in, which the text tells. `counted` is the id of his key, where its uses are counted; `configured` are
/// the ids of all keys that there are.
pub fn admitted(
    record: &mut Record,
    counted: Option<&str>,
    configured: &[String],
    told: &str,
    time: UnixTime,
) {
    if let Some(key) = counted {
        record.service.count(key, |other| configured.iter().any(|id| id == other));
    }
    remember(record, Outcome::Admitted, told, time);
}

/// A technician was not let in, or somebody has answered wrongly, which the text tells.
pub fn turned_away(record: &mut Record, told: &str, time: UnixTime) {
    remember(record, Outcome::TurnedAway, told, time);
}

fn remember(record: &mut Record, outcome: Outcome, told: &str, time: UnixTime) {
    record.remember(entry(0, time, outcome, None, "", told));
    let is_ours = |outcome: &Outcome| matches!(outcome, Outcome::Admitted | Outcome::TurnedAway);
    let ours = record.history.iter().filter(|entry| is_ours(&entry.outcome)).count();
    if ours > SERVICE_LIMIT
        && let Some(oldest) = record.history.iter().position(|entry| is_ours(&entry.outcome))
    {
        record.history.remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HISTORY_LIMIT;
    use crate::record::SetInfo;
    use crate::transition::flashed;

    #[test]
    fn technicians_push_out_each_other_and_nothing_else() {
        let mut record = flashed(SetInfo::default(), UnixTime(0));
        for number in 0..200 {
            match number % 2 {
                0 => admitted(&mut record, Some("0a"), &[], &number.to_string(), UnixTime(number)),
                _ => turned_away(&mut record, &number.to_string(), UnixTime(number)),
            }
        }
        let reasons: Vec<_> = record.history.iter().map(|entry| entry.reason.as_str()).collect();
        assert_eq!((record.history[0].outcome.clone(), reasons.len()), (Outcome::Flashed, SERVICE_LIMIT + 1));
        assert_eq!((reasons[1], reasons[SERVICE_LIMIT]), ("168", "199"));
        assert_eq!(record.service.used("0a"), 100);
        const { assert!(SERVICE_LIMIT < HISTORY_LIMIT) };
    }
}
