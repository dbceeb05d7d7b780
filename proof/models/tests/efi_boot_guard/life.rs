//! The policy's life with EFI Boot Guard: one try, and room for two choices.

use crate::device::{A, B, Device as Partitions};
use drydock_format::sha256;
use drydock_state::efi_boot_guard::Image;
use drydock_state::transition::{self, Counters, MISSED_LIMIT, Running};
use drydock_state::{
    Bootloader, CopyName, Job, Outcome, Record, SetInfo, SetName, SetStatus, Source, Starts, UnixTime,
};

const NOW: UnixTime = UnixTime(0);

/// What the work does around the policy: the record is written first, and the bootloader is told second.
struct Device {
    loader: Partitions,
    record: Record,
}

impl Device {
    fn tell(&self) {
        let loader = self.loader.loader();
        let loader: &dyn Bootloader = &loader;
        let wanted = self.record.wanted(loader.most_starts());
        loader.want(&wanted).unwrap();
        assert_eq!(loader.observe().unwrap(), wanted.fresh());
    }

    /// Every start of Linux.
    fn settle(&mut self, running: Running) {
        let counters = Counters::of(&self.record, self.loader.loader().observe().ok());
        if transition::settle(&mut self.record, counters, running, NOW) || counters == Counters::Unknown {
            self.tell();
        }
    }

    /// A set comes up and says that it is well.
    fn well(&mut self, set: SetName) {
        self.settle(Running::Set(set));
        transition::mark_good(&mut self.record, set, NOW).unwrap();
        self.tell();
    }

    fn install(&mut self, version: &str) -> SetName {
        let target = self.record.target_set();
        if transition::begin_write(&mut self.record, target) {
            self.tell();
        }
        transition::installed(&mut self.record, target, release(version), "", NOW);
        self.tell();
        target
    }

    fn last(&self) -> (Outcome, Option<SetName>) {
        let last = self.record.history.last().unwrap();
        (last.outcome.clone(), last.set)
    }
}

fn release(version: &str) -> SetInfo {
    SetInfo { version: version.into(), manifest: sha256(version.as_bytes()).into(), ..SetInfo::default() }
}

fn source() -> Source {
    Source::Data { path: "2.drydock".into() }
}

/// Version 1 runs from set a.
fn flashed() -> Device {
    let loader = Partitions::new();
    let mut device = Device { loader, record: transition::flashed(release("1"), NOW) };
    device.tell();
    assert_eq!(device.loader.start(), Image::Set(A));
    device.well(A);
    device
}

#[test]
fn a_release_has_one_try_and_is_marked_good() {
    let mut device = flashed();
    assert_eq!(device.install("2"), B);
    assert_eq!(device.loader.start(), Image::Set(B));
    assert_eq!(device.loader.loader().observe().unwrap().left, Starts { a: 1, b: 0, recovery: 1 });
    device.well(B);
    assert_eq!((device.last(), device.record.last_good), ((Outcome::MarkedGood, Some(B)), Some(B)));
    for _ in 0..3 {
        assert_eq!(device.loader.start(), Image::Set(B));
        device.well(B);
    }
}

#[test]
fn a_release_that_does_not_come_up_is_rolled_back() {
    let mut device = flashed();
    device.install("2");
    assert_eq!((device.loader.start(), device.loader.start()), (Image::Set(B), Image::Set(A)));
    device.settle(Running::Set(A));
    assert_eq!((device.last(), device.record.trial), ((Outcome::RolledBack, Some(B)), None));
    assert_eq!(device.record.sets.b.status, SetStatus::Bad);
    device.well(A);
    assert_eq!(device.loader.start(), Image::Set(A));
}

#[test]
fn a_person_rolls_back_and_a_good_set_that_does_not_come_up_is_fallen_back_from() {
    let mut device = flashed();
    device.install("2");
    assert_eq!(device.loader.start(), Image::Set(B));
    device.well(B);
    assert_eq!(transition::roll_back(&mut device.record, NOW).unwrap(), A);
    device.tell();
    assert_eq!((device.loader.start(), device.loader.start()), (Image::Set(A), Image::Set(B)));
    device.settle(Running::Set(B));
    assert_eq!((device.last(), device.record.first_set()), ((Outcome::FellBack, Some(A)), B));
    assert_eq!(device.loader.start(), Image::Set(B));
}

#[test]
fn a_job_starts_recovery_and_is_given_up_where_none_comes_up() {
    let mut device = flashed();
    transition::stage(&mut device.record, Job::FactoryReset, "", NOW).unwrap();
    device.tell();
    for round in 1..=MISSED_LIMIT {
        assert_eq!(
            (device.loader.start(), device.loader.start()),
            (Image::Recovery(CopyName::A), Image::Set(A)),
            "{round}"
        );
        device.settle(Running::Set(A));
    }
    assert_eq!((device.last().0, device.record.intent.as_ref()), (Outcome::Failed, None));
    assert_eq!(device.loader.start(), Image::Set(A));
}

#[test]
fn a_new_copy_of_the_recovery_proves_itself() {
    let mut device = flashed();
    let target = device.record.target_set();
    transition::offer(&mut device.record, target, Some(source()));
    device.install("2");
    assert_eq!(device.loader.start(), Image::Set(B));
    device.well(B);
    let (source, manifest) = transition::offered(&device.record, B).unwrap();
    transition::stage_offer(&mut device.record, source, manifest, NOW).unwrap();
    device.tell();
    assert_eq!(device.loader.start(), Image::Recovery(CopyName::A));
    device.settle(Running::Recovery(Some(CopyName::A)));
    transition::recovery_written(&mut device.record, CopyName::B);
    device.tell();
    assert_eq!(device.loader.start(), Image::Recovery(CopyName::B));
    device.settle(Running::Recovery(Some(CopyName::B)));
    assert_eq!((device.last().0, device.record.recovery.first), (Outcome::RecoveryUpdated, CopyName::B));
    assert_eq!(device.loader.start(), Image::Set(B));
}

#[test]
fn what_is_damaged_or_torn_proves_nothing_and_is_told_again() {
    let mut device = flashed();
    device.install("2");
    let before = device.loader.contents();
    assert_eq!(device.loader.start(), Image::Set(B));
    device.well(B);
    // Only one of the two was written when the power failed.
    let [second, _] = device.loader.contents();
    device.loader = Partitions::of([second, before[1].clone()]);
    assert_ne!(device.loader.loader().observe().unwrap().generation, device.record.generation);
    let record = device.record.clone();
    device.settle(Running::Set(B));
    assert_eq!(
        (&device.record, device.loader.loader().observe().unwrap()),
        (&record, record.wanted(1).fresh())
    );
    device.loader = Partitions::new();
    device.settle(Running::Recovery(None));
    assert_eq!(
        (&device.record, device.loader.loader().observe().unwrap()),
        (&record, record.wanted(1).fresh())
    );
}
