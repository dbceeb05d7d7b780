//! What every start takes note of: what the bootloader has done.

use super::counters::{Counters, Running};
use super::entry::entry;
use super::intents::fail;
use super::recovery;
use crate::name::SetName;
use crate::record::{Outcome, Record, SetStatus};
use crate::time::UnixTime;

/// After so many times the intent is given up: recovery did not come up as often as the bootloader may start it, and a
/// set came up then. Power that fails again and again does the same to a recovery that is well, so once is not enough.
pub const MISSED_LIMIT: u32 = 3;

/// Brings the record up to date with what the bootloader has done, at every start. Returns whether anything
/// changed, and so whether the record has to be written and the bootloader to be told.
pub fn settle(record: &mut Record, counters: Counters, running: Running, time: UnixTime) -> bool {
    let before = record.clone();
    clear_finished_intent(record);
    match running {
        Running::Set(set) => {
            count_missed(record, counters, time);
            note_fall_back(record, counters, set, time);
        }
        Running::Recovery(copy) => recovery::note_copy(record, counters, copy, time),
    }
    *record != before
}

/// An intent whose outcome is durable came back (an older copy of the record): it is only cleared.
fn clear_finished_intent(record: &mut Record) {
    if let Some(intent) = &record.intent
        && record.outcome_of(intent.id).is_some()
    {
        record.intent = None;
        record.generation.raise();
    }
}

/// The bootloader has started recovery as often as it may, and now starts a set instead. It gets its starts again, until
/// that has happened [`MISSED_LIMIT`] times.
fn count_missed(record: &mut Record, counters: Counters, time: UnixTime) {
    if !counters.recovery_exhausted() || record.job().is_none() {
        return;
    }
    let what = record.copy_on_trial().map_or_else(String::new, |copy| format!("copy {copy} of the "));
    let Some(intent) = &mut record.intent else { return };
    intent.missed += 1;
    let missed = intent.missed;
    record.generation.raise();
    if missed >= MISSED_LIMIT {
        let reason = format!(
            "{what}recovery was started as often as it may be, {missed} times over, and never came up"
        );
        fail(record, &reason, time);
    }
}

/// The bootloader has passed over the set that was first in order.
fn note_fall_back(record: &mut Record, counters: Counters, running: SetName, time: UnixTime) {
    let passed_over = running.other();
    if counters.left(passed_over) != Some(0) {
        return;
    }
    if record.trial == Some(passed_over) {
        let info = record.sets.get_mut(passed_over);
        info.status = SetStatus::Bad;
        let version = info.version.clone();
        record.trial = None;
        record.generation.raise();
        let reason = "it was started as often as it may be, and never said that it is well";
        record.remember(entry(0, time, Outcome::RolledBack, Some(passed_over), &version, reason));
    } else if record.last_good == Some(passed_over) && record.sets.get(running).bootable() {
        let version = record.sets.get(passed_over).version.clone();
        record.last_good = Some(running);
        record.generation.raise();
        let reason = "it did not come up as often as it was started; it is kept as the second choice";
        record.remember(entry(0, time, Outcome::FellBack, Some(passed_over), &version, reason));
    }
}
