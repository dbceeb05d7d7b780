//! The policy: how one record follows from another. Pure functions; none of them touches a device.
//!
//! A change that the bootloader must learn of raises the record's generation. Whoever makes such a change
//! writes the record first and tells the bootloader second; a cut in between is mended by [`settle`], which every start
//! runs.

mod by_hand;
mod recovery;
mod reset;

pub use by_hand::{mark_bad, roll_back, successor};
pub use recovery::{offer, offered, recovery_written, stage_offer};
pub use reset::{reset, restore_other, wiped};

use crate::bootloader::{Mode, Observed};
use crate::digest::MaybeDigest;
use crate::error::Error;
use crate::generation::Generation;
use crate::intent::{Intent, Job};
use crate::name::{CopyName, SetName};
use crate::record::{Entry, Floors, Later, Outcome, Record, Recovery, SetInfo, SetStatus, Sets};
use crate::time::UnixTime;

/// After so many times the intent is given up: recovery did not come up as often as the bootloader may start it, and a
/// set came up then. Power that fails again and again does the same to a recovery that is well, so once is not enough.
pub const MISSED_LIMIT: u32 = 3;

/// What the bootloader has counted, seen from a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counters {
    /// It was told this record's generation; what is left tells what it did.
    Current(Observed),
    /// It was told of another generation, or what it was told is damaged: nothing follows from it, and it has to be told
    /// again.
    Unknown,
}

impl Counters {
    /// Compares the generation that the bootloader was told with the record's. `observed` is missing where it is damaged.
    pub fn of(record: &Record, observed: Option<Observed>) -> Self {
        match observed {
            Some(observed) if observed.generation == record.generation.told() => Self::Current(observed),
            _ => Self::Unknown,
        }
    }

    fn left(self, set: SetName) -> Option<u8> {
        match self {
            Self::Current(observed) => Some(observed.left.of(set)),
            Self::Unknown => None,
        }
    }

    /// Returns whether recovery has a job, and the bootloader has started it as often as it may.
    pub fn recovery_exhausted(self) -> bool {
        matches!(self, Self::Current(now) if now.mode == Mode::Recovery && now.left.recovery == 0)
    }

    /// Returns whether the bootloader has started every set as often as it may.
    pub fn sets_exhausted(self) -> bool {
        matches!(self, Self::Current(now) if now.left.no_set())
    }
}

/// Who is asking, and so what the bootloader has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// The given set has been started.
    Set(SetName),
    /// Recovery has been started, from this copy if that is known.
    Recovery(Option<CopyName>),
}

/// Returns the record of a device whose set a was written in the factory. It counts as good: there is nothing to fall back
/// to.
pub fn flashed(release: SetInfo, time: UnixTime) -> Record {
    let (version, floor) = (release.version.clone(), release.security_version);
    let sets = Sets { a: SetInfo { status: SetStatus::Good, ..release }, ..Sets::default() };
    let floors = Floors { install: floor, boot: floor, later: Later::new() };
    let mut record =
        Record { generation: Generation(1), sets, last_good: Some(SetName::A), floors, ..Record::default() };
    record.remember(entry(0, time, Outcome::Flashed, Some(SetName::A), &version, ""));
    record
}

/// Records an intent. The bundle must be there already: from now on recovery will look for it. Returns
/// its id.
pub fn stage(record: &mut Record, job: Job, version: &str, time: UnixTime) -> Result<u64, Error> {
    recovery::make_way(record, time)?;
    record.last_intent_id += 1;
    record.generation.raise();
    let id = record.last_intent_id;
    let (set, told) = (job.target(record), job.to_string());
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

/// A set that the bootloader chose could not be started. The bootloader's counter decides what comes next, so
/// only the history changes.
pub fn not_started(record: &mut Record, set: SetName, reason: &str, time: UnixTime) {
    let version = record.sets.get(set).version.clone();
    record.remember(entry(0, time, Outcome::NotStarted, Some(set), &version, reason));
}

/// As [`not_started`], unless the newest entry says just that already: a device that is switched on again and again must
/// not lose its history to it. Returns whether anything was added.
pub fn not_started_once(record: &mut Record, set: SetName, reason: &str, time: UnixTime) -> bool {
    let told = record.history.last().is_some_and(|last| {
        last.outcome == Outcome::NotStarted && last.set == Some(set) && last.reason == reason
    });
    if !told {
        not_started(record, set, reason, time);
    }
    !told
}

/// Recovery was started because no set has attempts left: the last good set gets fresh ones. Returns the
/// set, or nothing if no set is bootable at all.
pub fn rearm(record: &mut Record, time: UnixTime) -> Option<SetName> {
    if let Some(trial) = record.trial.take() {
        record.sets.get_mut(trial).status = SetStatus::Bad;
        let version = record.sets.get(trial).version.clone();
        let reason = "neither it nor the last good set came up";
        record.remember(entry(0, time, Outcome::RolledBack, Some(trial), &version, reason));
    }
    let candidates = [record.last_good, Some(SetName::A), Some(SetName::B)];
    let set = candidates.into_iter().flatten().find(|set| record.sets.get(*set).bootable())?;
    // It need not have been that: a set that was found damaged is not what an update has to spare.
    record.last_good = Some(set);
    record.generation.raise();
    let version = record.sets.get(set).version.clone();
    record.remember(entry(
        0,
        time,
        Outcome::Rearmed,
        Some(set),
        &version,
        "all attempts of all sets were used up",
    ));
    Some(set)
}

/// A set that could not be started was looked at as a whole, and is not what was signed any more.
pub fn damaged(record: &mut Record, set: SetName, why: &str, time: UnixTime) {
    let info = record.sets.get_mut(set);
    info.status = SetStatus::Bad;
    let version = info.version.clone();
    if record.trial == Some(set) {
        record.trial = None;
    }
    record.generation.raise();
    record.remember(entry(0, time, Outcome::MarkedBad, Some(set), &version, why));
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
        let set = intent.job.target(record);
        record.remember(entry(intent.id, time, Outcome::Failed, set, "", reason));
    }
}

/// The target set is about to be overwritten: from now on it must not boot. Returns whether that is news, and has to be on
/// stable storage before the first byte is written.
pub fn begin_write(record: &mut Record, target: SetName) -> bool {
    let info = record.sets.get_mut(target);
    if info.status == SetStatus::Empty {
        return false;
    }
    *info = SetInfo::default();
    if record.recovery.offer.as_ref().is_some_and(|offer| offer.set == target) {
        record.recovery.offer = None;
    }
    if record.trial == Some(target) {
        record.trial = None;
    }
    // What the overwritten set still allowed to boot is gone for good.
    if let Some(good) = record.last_good {
        record.floors.boot = record.floors.boot.max(record.sets.get(good).security_version);
    }
    record.generation.raise();
    true
}

/// The target set was written, proven and has its trailers: it gets its trial, and the intent is over.
pub fn installed(record: &mut Record, target: SetName, release: SetInfo, time: UnixTime) {
    let id = record.intent.take().map_or(0, |intent| intent.id);
    let version = release.version.clone();
    *record.sets.get_mut(target) = SetInfo { status: SetStatus::Trial, ..release };
    record.trial = Some(target);
    record.restore = MaybeDigest::None;
    record.generation.raise();
    record.remember(entry(id, time, Outcome::Installed, Some(target), &version, ""));
}

/// A place where the state is kept has failed, and was mended.
pub fn mended(record: &mut Record, what: &str, time: UnixTime) {
    record.remember(entry(0, time, Outcome::StateMended, None, "", what));
}

/// drydock itself had a defect in an earlier boot.
pub fn crashed(record: &mut Record, reason: &str, time: UnixTime) {
    record.remember(entry(0, time, Outcome::Crashed, None, "", reason));
}

/// The running set says that it is well. Returns whether that is news; if not, only the attempts that it
/// used have to be given back, by telling the bootloader again.
///
/// While another set is on trial and was not started, its trial goes on.
pub fn mark_good(record: &mut Record, running: SetName, time: UnixTime) -> Result<bool, Error> {
    if !record.sets.get(running).bootable() {
        return Err(Error::Refused(format!(
            "set {running} is {}, so it can't be marked good; install a release into the other set",
            record.sets.get(running).status
        )));
    }
    let in_order = record.trial.is_none_or(|trial| trial == running);
    let info = record.sets.get_mut(running);
    let news = info.status != SetStatus::Good || (in_order && record.last_good != Some(running));
    if !news {
        return Ok(false);
    }
    info.status = SetStatus::Good;
    let (version, security_version) = (info.version.clone(), info.security_version);
    record.floors.install = record.floors.install.max(security_version);
    if in_order {
        record.trial = None;
        record.last_good = Some(running);
    }
    record.generation.raise();
    record.remember(entry(0, time, Outcome::MarkedGood, Some(running), &version, ""));
    Ok(true)
}

/// Returns a record for a device whose state was lost, from what the slots' trailers say of the sets.
///
/// Whatever has a whole, signed trailer is taken for good. What the bootloader was told, if that is known, tells which set
/// ran last; the floors are the strictest that do not lock out what is there.
pub fn rebuild(a: Option<SetInfo>, b: Option<SetInfo>, observed: Option<Observed>, time: UnixTime) -> Record {
    let versions = || [&a, &b].into_iter().flatten().map(|info| info.security_version);
    let (install, boot) = (versions().max().unwrap_or(0), versions().min().unwrap_or(0));
    let floors = Floors { install, boot, later: Later::new() };
    let good = |info: Option<SetInfo>| {
        info.map(|info| SetInfo { status: SetStatus::Good, ..info }).unwrap_or_default()
    };
    let sets = Sets { a: good(a), b: good(b), later: Later::new() };
    let first = observed.map_or(SetName::A, |told| told.first);
    let last_good = [first, first.other()].into_iter().find(|set| sets.get(*set).bootable());
    let mut generation = observed.map_or(Generation(0), |told| told.generation);
    generation.raise();
    // A copy that recovery's job may be about has not run yet.
    let copy = observed.filter(|told| told.mode == Mode::Normal).map_or(CopyName::A, |told| told.copy);
    let recovery = Recovery { first: copy, ..Recovery::default() };
    let mut record = Record { generation, sets, last_good, floors, recovery, ..Record::default() };
    let reason = "no copy of the state record was whole; it was rebuilt from the slots' trailers";
    record.remember(entry(0, time, Outcome::StateRebuilt, last_good, "", reason));
    record
}

fn entry(
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
