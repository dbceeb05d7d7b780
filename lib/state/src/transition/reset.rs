//! What a factory reset and a wipe leave behind, and how the other set follows the one that was restored.

use super::entry::entry;
use super::intents::stage;
use super::sets::installed;
use crate::digest::MaybeDigest;
use crate::error::Error;
use crate::intent::{Job, Source};
use crate::name::SetName;
use crate::record::{Outcome, Record, SetInfo};
use crate::time::UnixTime;

/// `data` was made new, and the intent for it is over. `restored` is the set that went back to the factory's bundle: it
/// gets its trial.
pub fn reset(record: &mut Record, restored: Option<(SetName, SetInfo)>, told: &str, time: UnixTime) {
    let id = record.intent.take().map_or(0, |intent| intent.id);
    if let Some((target, release)) = restored {
        let manifest = release.manifest.clone();
        installed(record, target, release, "", time);
        record.restore = manifest;
    }
    record.generation.raise();
    record.remember(entry(id, time, Outcome::Reset, None, "", told));
}

/// The restored set is good: an intent for the other one to get the same release. Nothing happens where that is not due,
/// or while another intent waits. Returns whether there is a new intent.
pub fn restore_other(
    record: &mut Record,
    running: SetName,
    source: Source,
    time: UnixTime,
) -> Result<bool, Error> {
    let info = record.sets.get(running);
    let due = record.restore == info.manifest
        && record.last_good == Some(running)
        && record.sets.get(running.other()).manifest != info.manifest;
    let Some(manifest) = info.manifest.known().filter(|_| due && record.intent.is_none()) else {
        return Ok(false);
    };
    let version = info.version.clone();
    record.restore = MaybeDigest::None;
    stage(record, Job::Update { source, manifest }, &version, time)?;
    Ok(true)
}

/// A partition was wiped, and the intent for it is over.
pub fn wiped(record: &mut Record, label: &str, time: UnixTime) {
    let id = record.intent.take().map_or(0, |intent| intent.id);
    record.generation.raise();
    record.remember(entry(id, time, Outcome::Wiped, None, "", label));
}
