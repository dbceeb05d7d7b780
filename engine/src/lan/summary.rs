//! What the state record knows of a device, for a person.

use crate::history::Line;
use drydock_state::{Record, SetName};
use std::fmt::Write;

/// How much of the history is shown.
const ENTRIES: usize = 10;

/// Returns what the record knows, in lines. It costs no look at a slot, which may be locked.
pub fn summary(record: &Record) -> String {
    let mut text = String::new();
    for set in SetName::BOTH {
        let info = record.sets.get(set);
        // A text takes whatever is written to it.
        let _ = writeln!(text, "set {set}      {} {}", info.status, info.version);
    }
    if let Some(intent) = &record.intent {
        let _ = writeln!(text, "waiting    {}", intent.job);
    }
    for entry in record.history.iter().rev().take(ENTRIES).rev() {
        let _ = writeln!(text, "{}", Line(entry));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::{SetInfo, UnixTime, transition};

    #[test]
    fn sets_what_waits_and_the_end_of_the_history_are_shown() {
        let info = SetInfo { version: "1.2.3".into(), ..SetInfo::default() };
        let mut record = transition::flashed(info, UnixTime(0));
        for n in 0..40 {
            transition::crashed(&mut record, &format!("defect {n}"), UnixTime(n));
        }
        transition::stage_reset(&mut record, UnixTime(50)).unwrap();
        let text = summary(&record);
        assert!(text.contains("1.2.3") && text.contains("waiting") && text.contains("defect 39"), "{text}");
        assert!(!text.contains("defect 20") && text.lines().count() <= 3 + ENTRIES);
    }
}
