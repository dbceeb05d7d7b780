//! The recovery's own two copies: a set brings a new one, the copy that is not in use is written, a boot proves it.

use super::counters::Counters;
use super::entry::entry;
use super::intents::{fail, stage};
use crate::bootloader::Mode;
use crate::error::Error;
use crate::intent::{Job, Source};
use crate::name::{CopyName, SetName};
use crate::record::{Later, Offer, Outcome, Record, SetStatus};
use crate::time::UnixTime;
use drydock_format::Digest;

/// Keeps what the bundle of the set that is being installed brings for the recovery, if anything: it has to wait until
/// that set is good.
pub fn offer(record: &mut Record, set: SetName, source: Option<Source>) {
    record.recovery.offer = source.map(|source| Offer { set, source, later: Later::new() });
}

/// Returns what the running set has brought for the recovery, if it is good now and nothing else waits: where the bundle
/// is, and the digest of its manifest.
pub fn offered(record: &Record, running: SetName) -> Option<(Source, Digest)> {
    let offer = record.recovery.offer.as_ref().filter(|offer| offer.set == running)?;
    if matches!(offer.source, Source::Unknown(_)) {
        return None;
    }
    let info = record.sets.get(running);
    let now = info.status == SetStatus::Good && record.intent.is_none();
    let manifest = info.manifest.known().filter(|_| now)?;
    Some((offer.source.clone(), manifest))
}

/// Takes an offer up: an intent to write the copy that is not in use. Returns its id.
pub fn stage_offer(
    record: &mut Record,
    source: Source,
    manifest: Digest,
    time: UnixTime,
) -> Result<u64, Error> {
    record.recovery.offer = None;
    let version = version_of(record, manifest);
    stage(record, Job::UpdateRecovery { source, manifest, written: None }, &version, time)
}

/// A copy of the recovery was written, was proven and has its trailer. It is started next, and counts once it has run.
pub fn recovery_written(record: &mut Record, copy: CopyName) {
    if let Some(intent) = &mut record.intent
        && let Job::UpdateRecovery { written, .. } = &mut intent.job
    {
        *written = Some(copy);
        record.generation.raise();
    }
}

/// Recovery runs: from the copy that is on trial, which proves it, or from the other one although the bootloader was told
/// to start the new one, which means that it can't be started.
pub(super) fn note_copy(record: &mut Record, counters: Counters, running: Option<CopyName>, time: UnixTime) {
    let (Some(copy), Some(running)) = (record.copy_on_trial(), running) else { return };
    let told = matches!(counters, Counters::Current(now) if now.mode == Mode::Recovery && now.copy == copy);
    if running == copy {
        let Some(intent) = record.intent.take() else { return };
        let version = match &intent.job {
            Job::UpdateRecovery { manifest, .. } => version_of(record, *manifest),
            _ => String::new(),
        };
        record.recovery.first = copy;
        record.generation.raise();
        let reason = format!("copy {copy} has come up");
        record.remember(entry(intent.id, time, Outcome::RecoveryUpdated, None, &version, &reason));
    } else if told {
        fail(record, &format!("the bootloader has passed over copy {copy} of the recovery"), time);
    }
}

/// Returns the version of the set that a manifest belongs to, or nothing.
fn version_of(record: &Record, manifest: Digest) -> String {
    let mut sets = SetName::BOTH.into_iter().map(|set| record.sets.get(set));
    sets.find(|info| info.manifest.known() == Some(manifest))
        .map(|info| info.version.clone())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootloader::{Observed, Starts};
    use crate::generation::Generation;
    use crate::record::SetInfo;
    use crate::transition::{
        MISSED_LIMIT, Running, begin_write, flashed, installed, mark_bad, mark_good, roll_back, settle,
    };
    use drydock_format::sha256;

    const NOW: UnixTime = UnixTime(0);
    const A: SetName = SetName::A;
    const B: SetName = SetName::B;

    fn release(version: &str) -> SetInfo {
        SetInfo { version: version.into(), manifest: sha256(version.as_bytes()).into(), ..SetInfo::default() }
    }

    fn source() -> Source {
        Source::Data { path: "2.drydock".into() }
    }

    /// Version 2 in b has brought a recovery and has its trial.
    fn brought() -> Record {
        let mut record = flashed(release("1"), NOW);
        offer(&mut record, B, Some(source()));
        installed(&mut record, B, release("2"), "", NOW);
        record
    }

    /// The update of the recovery waits.
    fn staged() -> Record {
        let mut record = brought();
        mark_good(&mut record, B, NOW).unwrap();
        let (source, manifest) = offered(&record, B).expect("b is good");
        stage_offer(&mut record, source, manifest, NOW).unwrap();
        record
    }

    /// Copy b is written.
    fn written() -> Record {
        let mut record = staged();
        recovery_written(&mut record, CopyName::B);
        record
    }

    /// What the bootloader has left of what it was told, where it has started recovery.
    fn counters(record: &Record, left_recovery: u8) -> Counters {
        let told = record.wanted(3).fresh();
        Counters::Current(Observed { left: Starts { recovery: left_recovery, ..told.left }, ..told })
    }

    fn outcome(record: &Record) -> (Outcome, &str, Option<&crate::intent::Intent>, CopyName) {
        let last = record.history.last().unwrap();
        (last.outcome.clone(), &last.reason, record.intent.as_ref(), record.recovery.first)
    }

    #[test]
    fn a_recovery_is_offered_once_its_set_is_good_and_only_by_that_set() {
        let mut record = brought();
        assert_eq!(offered(&record, B), None);
        mark_good(&mut record, B, NOW).unwrap();
        assert_eq!((offered(&record, A), offered(&record, B)), (None, Some((source(), sha256(b"2")))));
        let record = staged();
        assert_eq!((record.wanted(3).mode, record.wanted(3).copy), (Mode::Recovery, CopyName::A));
        assert_eq!(offered(&record, B), None);
        assert_eq!(record.history.last().unwrap().version, "2");

        let mut record = brought();
        roll_back(&mut record, NOW).unwrap();
        begin_write(&mut record, B);
        assert_eq!(record.recovery.offer, None, "what is overwritten offers nothing");
    }

    #[test]
    fn a_written_copy_is_started_next_and_counts_once_it_runs() {
        let mut record = written();
        let wanted = record.wanted(3);
        assert_eq!(
            (wanted.mode, wanted.copy, record.recovery.first),
            (Mode::Recovery, CopyName::B, CopyName::A)
        );
        let generation = record.generation;
        assert!(settle(&mut record, Counters::Unknown, Running::Recovery(Some(CopyName::B)), NOW));
        assert_eq!(outcome(&record), (Outcome::RecoveryUpdated, "copy b has come up", None, CopyName::B));
        let wanted = record.wanted(3);
        assert_eq!(
            (wanted.mode, wanted.copy, record.generation),
            (Mode::Normal, CopyName::B, Generation(generation.0 + 1))
        );
        assert_eq!(record.history.last().unwrap().version, "2");
    }

    #[test]
    fn a_copy_that_is_passed_over_or_does_not_come_up_is_given_up() {
        let mut record = written();
        let now = counters(&record, 2);
        assert!(settle(&mut record, now, Running::Recovery(Some(CopyName::A)), NOW));
        assert!(
            matches!(outcome(&record), (Outcome::Failed, reason, None, CopyName::A) if reason.contains("passed over"))
        );

        // Power that fails again and again looks the same, so it gets more than one chance.
        let mut record = written();
        for round in 1..=MISSED_LIMIT {
            assert_eq!(record.wanted(3).copy, CopyName::B, "round {round}");
            let now = counters(&record, 0);
            assert!(settle(&mut record, now, Running::Set(B), NOW));
        }
        assert!(
            matches!(outcome(&record), (Outcome::Failed, reason, None, CopyName::A) if reason.contains("copy b"))
        );
        assert_eq!(record.wanted(3).copy, CopyName::A);
    }

    #[test]
    fn what_the_bootloader_was_not_told_proves_nothing() {
        for (now, running) in [(Counters::Unknown, Some(CopyName::A)), (Counters::Unknown, None)] {
            let mut record = written();
            let before = record.clone();
            assert!(!settle(&mut record, now, Running::Recovery(running), NOW));
            assert_eq!(record, before);
        }
        let mut record = written();
        let now = counters(&record, 2);
        assert!(!settle(&mut record, now, Running::Recovery(None), NOW));
    }

    #[test]
    fn it_makes_way_for_whatever_a_person_asks_for() {
        let asked: [fn(&mut Record); 3] = [
            |record| {
                let job = Job::Update { source: source(), manifest: sha256(b"3") };
                stage(record, job, "3", NOW).unwrap();
            },
            |record| assert_eq!(roll_back(record, NOW).unwrap(), A),
            |record| assert_eq!(mark_bad(record, B, NOW).unwrap(), A),
        ];
        for ask in asked {
            let mut record = written();
            ask(&mut record);
            assert_eq!((record.copy_on_trial(), record.recovery.first), (None, CopyName::A));
            let cancelled = record.history.iter().filter(|entry| entry.outcome == Outcome::Cancelled);
            assert_eq!(cancelled.count(), 1);
        }
    }
}
