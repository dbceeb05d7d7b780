//! Power that fails again and again before process 1 can count: the bootloader's counters run out, and nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_simulator::device::{End, SimDevice};
use drydock_state::{Outcome, SetName};

#[test]
fn however_often_the_power_fails_before_process_1_a_staged_update_is_installed() {
    for cuts in 0..60 {
        let device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
        for _ in 0..cuts {
            device.flicker();
        }
        assert_eq!(device.run(), End::Up(SetName::B), "after {cuts} cuts");
        let history = device.record().unwrap().history;
        assert!(
            history.iter().all(|entry| entry.outcome != Outcome::Failed),
            "after {cuts} cuts: {history:?}"
        );
        assert_eq!(device.violations(), Vec::<String>::new());
    }
}

#[test]
fn a_set_that_comes_up_between_the_cuts_does_the_job_itself() {
    // Three cuts use recovery's starts up, so the bootloader starts set a.
    let device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
    (0..3).for_each(|_| device.flicker());
    assert_eq!(device.decision(), Some(drydock_models::Start::Set(SetName::A)));
    device.boot();
    let record = device.record().unwrap();
    assert_eq!((record.trial, record.intent), (Some(SetName::B), None));
}

#[test]
fn a_recovery_that_never_comes_up_is_given_up_once_sets_have_come_up_often_enough() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.written.clone());
    device.hangs = Some("4".into());
    assert_eq!(device.run(), End::Up(SetName::B));
    let history = device.record().unwrap().history;
    let failed: Vec<_> = history.iter().filter(|entry| entry.outcome == Outcome::Failed).collect();
    assert!(failed.len() == 1 && failed[0].reason.contains("3 times over"), "{failed:?}");
}
