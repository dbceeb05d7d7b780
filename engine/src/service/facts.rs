//! What there is to know for what consoles show.

use super::page::harmless;
use drydock_state::{Record, SetName};

/// What there is to know.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What kind of device this is.
    pub compatible: String,
    /// The disk, for a person.
    pub record: Record,
    /// Why the state can't be trusted, if so.
    pub untrusted: Option<String>,
    /// Why the device does not go on at once, where it has a reason.
    pub why: Option<String>,
    /// After how many seconds it goes on by itself.
    pub seconds: u64,
    /// What this recovery has told, the oldest first; only where that is shown.
    pub log: Vec<String>,
    /// The partitions that may be wiped.
    pub wipes: Vec<String>,
    /// Whether the device has a data volume.
    pub has_data: bool,
    /// What the network was set up to by hand.
    pub by_hand: Option<String>,
}

/// A set on one line.
pub(super) fn set_line(record: &Record, set: SetName) -> String {
    let info = record.sets.get(set);
    let version = if info.version.is_empty() { "-" } else { &info.version };
    let first = if record.first_set() == set && info.bootable() { ", first" } else { "" };
    format!("set {set}: {} {}{first}", harmless(version, 50), harmless(info.status.name(), 16))
}
