//! Entries of the history.

use crate::name::SetName;
use crate::record::{Entry, Later, Outcome};
use crate::time::UnixTime;

pub(super) fn entry(
    intent: u64,
    time: UnixTime,
    outcome: Outcome,
    set: Option<SetName>,
    version: &str,
    reason: &str,
) -> Entry {
    let (version, reason) = (version.to_owned(), reason.to_owned());
    Entry { intent, time, outcome, set, version, reason, later: Later::new() }
}
