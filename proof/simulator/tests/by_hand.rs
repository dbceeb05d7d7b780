//! `drydock rollback`, `mark-bad` and `settle` on devices where something is in their way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage};
use drydock_engine::live;
use drydock_engine::state::State;
use drydock_models::{Reason, Start};
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{End, SimDevice};
use drydock_state::grub::Grub;
use drydock_state::{Bootloader, CopyName, Job, Outcome, SetName, SetStatus, UnixTime, Wanted, transition};

const A: SetName = SetName::A;
const B: SetName = SetName::B;

/// Both commands are refused in these words, and write nothing.
fn refused(contents: Contents, running: SetName, words: &str) {
    let device = SimDevice::new(&WORKSHOP, contents);
    let before = device.disk.view();
    let rolled_back = device.live(|machine| live::roll_back(machine, running));
    let marked_bad = device.live(|machine| live::mark_bad(machine, running, running));
    for refusal in [rolled_back, marked_bad] {
        let text = refusal.unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }
    assert!(before.shares(&device.disk.view(), &(0..before.size())), "something was written");
}

#[test]
fn a_set_that_does_not_hold_its_release_any_more_does_not_take_over() {
    for label in ["boot-a", "root-a"] {
        let range = WORKSHOP.range(label);
        let footer = range.end - range.start - 4096;
        refused(damage(&MOMENTS.second, label, footer, &[0; 512]), B, "slot's trailer");
    }
    refused(MOMENTS.first.clone(), A, "set b can't take over: it is empty");
}

#[test]
fn settle_tells_the_bootloader_what_it_does_not_know() {
    let device = SimDevice::new(&WORKSHOP, MOMENTS.first.clone());
    let machine = device.machine();
    let mut state = State::open(&machine).unwrap();
    transition::stage(&mut state.record, Job::FactoryReset, "", UnixTime(0)).unwrap();
    state.save_record().unwrap();
    drop(state);
    assert_eq!(device.decision(), Some(Start::Set(A)), "the environment is older than the record");
    device.live(|machine| live::settle(machine, A)).unwrap();
    assert_eq!(device.decision(), Some(Start::Recovery { copy: CopyName::A, reason: Reason::Intent }));
}

#[test]
fn settle_ends_a_trial_whose_starts_are_used_up() {
    let device = SimDevice::new(&WORKSHOP, MOMENTS.installed.clone());
    let env = Grub::open(WORKSHOP.partition(&device.disk, "bootenv").unwrap()).unwrap();
    let mut told: Wanted = env.observe().unwrap().into();
    told.attempts.b = 0;
    env.want(&told).unwrap();
    device.live(|machine| live::settle(machine, A)).unwrap();
    let record = device.record().unwrap();
    assert_eq!((record.sets.b.status, record.trial), (SetStatus::Bad, None));
    assert_eq!(record.history.last().unwrap().outcome, Outcome::RolledBack);
    assert_eq!(device.run(), End::Up(A));
}
