//! What may come in the way of an update of the recovery.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage};
use drydock_engine::recover::Next;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::truth::{self, Slot};
use drydock_simulator::workshop::RECOVERY;
use drydock_state::{CopyName, Job, Outcome, SetName};

const A: CopyName = CopyName::A;
const B: CopyName = CopyName::B;

/// A device with version 4 in set b, which has not run yet and brings a recovery.
fn brought() -> SimDevice<'static> {
    SimDevice::new(&WORKSHOP, MOMENTS.brought.clone())
}

/// The version of the recovery in a copy.
fn version(device: &SimDevice, copy: CopyName) -> &'static str {
    match truth::slot(&WORKSHOP, &device.disk, RECOVERY, copy) {
        Slot::Holds(index) => &WORKSHOP.releases[index].version,
        Slot::Nothing | Slot::Lies(_) => "",
    }
}

fn is_well(device: &SimDevice) {
    assert_eq!(device.run(), End::Up(SetName::B));
    assert_eq!(device.record().unwrap().intent, None);
    assert_eq!(device.violations(), Vec::<String>::new());
}

/// Boots set b, which says that it is well, so that the update of the recovery waits.
fn stage(device: &SimDevice) {
    assert_eq!(device.boot(), Boot::Up(SetName::B));
    assert!(device.is_well(SetName::B));
    let intent = device.record().unwrap().intent.expect("the recovery is staged");
    assert!(matches!(intent.job, Job::UpdateRecovery { .. }));
}

#[test]
fn a_bundle_that_is_gone_leaves_the_recovery_as_it_is() {
    let mut device = brought();
    device.bundles.clear();
    is_well(&device);
    let record = device.record().unwrap();
    assert_eq!((record.recovery.first, &record.recovery.offer), (A, &None));
    assert_eq!(record.history.last().unwrap().outcome, Outcome::MarkedGood);
    assert_eq!((version(&device, A), version(&device, B)), ("1", "1"));

    let mut device = brought();
    stage(&device);
    device.bundles.clear();
    is_well(&device);
    let record = device.record().unwrap();
    let failed = record.history.iter().find(|entry| entry.outcome == Outcome::Failed).unwrap();
    assert!(failed.reason.contains("4.drydock"), "{}", failed.reason);
    assert_eq!((record.recovery.first, version(&device, A), version(&device, B)), (A, "1", "1"));
}

#[test]
fn a_recovery_that_is_in_place_is_not_written_again() {
    let device = brought();
    is_well(&device);
    assert_eq!((version(&device, A), version(&device, B)), ("1", "4"));
    assert_eq!(device.record().unwrap().recovery.first, B);
    // Version 4 once more, in the other set.
    device.stage("4");
    assert_eq!(device.run(), End::Up(SetName::A));
    let record = device.record().unwrap();
    assert_eq!((record.recovery.first, record.recovery.offer, record.intent), (B, None, None));
    assert_eq!(version(&device, A), "1");
}

#[test]
fn a_copy_that_is_damaged_is_passed_over_and_is_the_one_that_is_written() {
    let device = brought();
    stage(&device);
    let device = device.again(damage(&device.disk.view(), "recovery-a", 0, &[0x55; 512]), None);
    assert_eq!(device.boot(), Boot::Recovered(Next::TryCopy(A)));
    assert_eq!((version(&device, A), version(&device, B)), ("4", "1"));
    is_well(&device);
    assert_eq!(device.record().unwrap().recovery.first, A);
}

#[test]
fn a_new_copy_that_is_damaged_before_it_runs_is_given_up() {
    let device = SimDevice::new(&WORKSHOP, damage(&MOMENTS.written, "recovery-b", 0, &[0x55; 512]));
    is_well(&device);
    let record = device.record().unwrap();
    let failed = record.history.iter().find(|entry| entry.outcome == Outcome::Failed).unwrap();
    assert!(failed.reason.contains("passed over copy b"), "{}", failed.reason);
    assert_eq!((record.recovery.first, version(&device, A)), (A, "1"));
}
