//! Intents: staged, taken back, counted, given up.

use super::entry::entry;
use crate::error::Error;
use crate::intent::{Intent, Job};
use crate::record::{Outcome, Record};
use crate::time::UnixTime;

/// Records an intent. The bundle must be there already: from now on recovery will look for it. Returns
/// its id.
pub fn stage(record: &mut Record, job: Job, version: &str, time: UnixTime) -> Result<u64, Error> {
    make_way(record, time)?;
    record.last_intent_id += 1;
    record.generation.raise();
    let id = record.last_intent_id;
    let (set, told) = (record.target_of(&job), job.to_string());
    record.intent = Some(Intent::new(id, job, time));
    record.remember(entry(id, time, Outcome::Staged, set, version, &told));
    Ok(id)
}

/// Takes a staged intent back. Returns its id.
pub fn cancel(record: &mut Record, time: UnixTime) -> Result<u64, Error> {
    let Some(intent) = record.intent.take() else {
        return Err(Error::Refused("there is no intent to cancel".into()));
    };
    record.generation.raise();
    record.remember(entry(intent.id, time, Outcome::Cancelled, None, "", ""));
    Ok(intent.id)
}

/// Records a factory reset that somebody asked for at the console. It takes the place of whatever was waiting.
/// Returns its id.
pub fn stage_reset(record: &mut Record, time: UnixTime) -> Result<u64, Error> {
    if record.intent.is_some() {
        cancel(record, time)?;
    }
    stage(record, Job::FactoryReset, "", time)
}

/// Counts one start of recovery for the intent. Returns the number of this start, or nothing where the
/// limit is reached, after which the intent is over.
pub fn count_start(record: &mut Record, limit: u32, time: UnixTime) -> Option<u32> {
    let intent = record.intent.as_mut()?;
    if intent.starts >= limit {
        fail(record, &format!("recovery was started {limit} times for it without coming to an end"), time);
        return None;
    }
    intent.starts += 1;
    Some(intent.starts)
}

/// Gives the intent up. The old system stays what it was.
pub fn fail(record: &mut Record, reason: &str, time: UnixTime) {
    if let Some(intent) = record.intent.take() {
        record.generation.raise();
        let set = record.target_of(&intent.job);
        record.remember(entry(intent.id, time, Outcome::Failed, set, "", reason));
    }
}

/// An update of the recovery can wait: it makes way for whatever else is asked for. Anything else does not.
pub(super) fn make_way(record: &mut Record, time: UnixTime) -> Result<(), Error> {
    match &record.intent {
        None => Ok(()),
        Some(intent) if matches!(intent.job, Job::UpdateRecovery { .. }) => cancel(record, time).map(drop),
        Some(intent) => Err(Error::Refused(format!(
            "intent {} is waiting ({}); take it back with `drydock cancel` first",
            intent.id, intent.job
        ))),
    }
}
