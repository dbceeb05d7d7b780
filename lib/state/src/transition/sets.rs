//! The two sets: how they come, are tried, are good or bad, and go.

use super::entry::entry;
use crate::bootloader::{Mode, Observed};
use crate::digest::MaybeDigest;
use crate::error::Error;
use crate::generation::Generation;
use crate::name::{CopyName, SetName};
use crate::record::{Floors, Later, Outcome, Record, Recovery, SetInfo, SetStatus, Sets};
use crate::time::UnixTime;

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

/// The target set was written, proven and has its trailers: it gets its trial, and the intent is over. `told` is what is to be
/// known of it later, if anything is.
pub fn installed(record: &mut Record, target: SetName, release: SetInfo, told: &str, time: UnixTime) {
    let id = record.intent.take().map_or(0, |intent| intent.id);
    let version = release.version.clone();
    *record.sets.get_mut(target) = SetInfo { status: SetStatus::Trial, ..release };
    record.trial = Some(target);
    record.restore = MaybeDigest::None;
    record.generation.raise();
    record.remember(entry(id, time, Outcome::Installed, Some(target), &version, told));
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
