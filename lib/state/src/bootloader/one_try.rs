//! The policy's life with a bootloader that counts one try and has room for two choices, as EFI Boot Guard does.

use super::{Bootloader, Mode, Observed, Starts, Wanted};
use crate::error::Error;
use crate::intent::{Job, Source};
use crate::name::{CopyName, SetName};
use crate::record::{Outcome, Record, SetInfo, SetStatus};
use crate::time::UnixTime;
use crate::transition::{self, Counters, MISSED_LIMIT, Running};
use drydock_format::sha256;
use std::sync::{Mutex, MutexGuard};

const NOW: UnixTime = UnixTime(0);
const A: SetName = SetName::A;
const B: SetName = SetName::B;

/// What an environment starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Image {
    Set(SetName),
    Recovery(CopyName),
}

/// One of the two environments.
#[derive(Clone, Copy, Debug)]
struct Environment {
    revision: u32,
    image: Image,
    ustate: Ustate,
    /// The user variables.
    told: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ustate {
    Installed,
    Testing,
    Failed,
}

struct OneTry(Mutex<[Option<Environment>; 2]>);

impl OneTry {
    fn environments(&self) -> MutexGuard<'_, [Option<Environment>; 2]> {
        self.0.lock().unwrap()
    }

    /// Does what the loader does at a reset, and returns what it starts.
    fn start(&self) -> Image {
        let mut both = self.environments();
        both.sort_by_key(|found| std::cmp::Reverse(found.map_or(0, |environment| environment.revision)));
        let [Some(newest), other] = &mut *both else { panic!("there is nothing to start") };
        match newest.ustate {
            Ustate::Installed => newest.ustate = Ustate::Testing,
            Ustate::Testing => (newest.ustate, newest.revision) = (Ustate::Failed, 0),
            Ustate::Failed => {}
        }
        match other {
            Some(other) if newest.ustate == Ustate::Failed => {
                if other.ustate == Ustate::Installed {
                    other.ustate = Ustate::Testing;
                }
                other.image
            }
            _ => newest.image,
        }
    }
}

impl Bootloader for OneTry {
    fn most_starts(&self) -> u8 {
        1
    }

    fn observe(&self) -> Result<Observed, Error> {
        let both = *self.environments();
        let whole: Vec<_> = both.into_iter().flatten().collect();
        let Some(told) = whole.first().map(|found| found.told) else {
            return Err(Error::Refused("no environment is whole".into()));
        };
        if whole.iter().any(|found| found.told != told) {
            return Err(Error::Refused("the environments are of two generations".into()));
        }
        let mut now = told.fresh();
        for found in whole.iter().filter(|found| found.ustate != Ustate::Installed) {
            match found.image {
                Image::Set(set) => *now.left.of_mut(set) = 0,
                Image::Recovery(_) => now.left.recovery = 0,
            }
        }
        Ok(now)
    }

    fn want(&self, wanted: &Wanted) -> Result<(), Error> {
        let told = Wanted { attempts: wanted.attempts.at_most(1), ..*wanted };
        let sets = [wanted.first, wanted.first.other()].into_iter();
        let sets = sets.filter(|set| told.attempts.of(*set) > 0).map(Image::Set);
        let recovery = Image::Recovery(wanted.copy);
        let mut order: Vec<_> = match wanted.mode {
            Mode::Recovery if told.attempts.recovery > 0 => [recovery].into_iter().chain(sets).collect(),
            Mode::Recovery | Mode::Normal => sets.chain([recovery]).collect(),
        };
        order.truncate(2);
        let environment = |revision, image| Environment { revision, image, ustate: Ustate::Installed, told };
        let second = order.get(1).map(|image| environment(1, *image));
        *self.environments() = [second, Some(environment(2, order[0]))];
        Ok(())
    }
}

/// What the work does around the policy: the record is written first, and the bootloader is told second.
struct Device {
    loader: OneTry,
    record: Record,
}

impl Device {
    fn tell(&self) {
        let loader: &dyn Bootloader = &self.loader;
        let wanted = self.record.wanted(loader.most_starts());
        loader.want(&wanted).unwrap();
        assert_eq!(loader.observe().unwrap(), wanted.fresh());
    }

    /// Every start of Linux.
    fn settle(&mut self, running: Running) {
        let counters = Counters::of(&self.record, self.loader.observe().ok());
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
    let loader = OneTry(Mutex::new([None; 2]));
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
    assert_eq!(device.loader.observe().unwrap().left, Starts { a: 1, b: 0, recovery: 1 });
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
    let before = *device.loader.environments();
    assert_eq!(device.loader.start(), Image::Set(B));
    device.well(B);
    // Only one of the two was written when the power failed.
    device.loader.environments()[0] = before[0];
    assert!(device.loader.observe().is_err());
    let record = device.record.clone();
    device.settle(Running::Set(B));
    assert_eq!((&device.record, device.loader.observe().unwrap()), (&record, record.wanted(1).fresh()));
    *device.loader.environments() = [None; 2];
    device.settle(Running::Recovery(None));
    assert_eq!((&device.record, device.loader.observe().unwrap()), (&record, record.wanted(1).fresh()));
}
