//! Sticks whose bundles are installed without a question, on simulated devices: what is newer, once, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_config::{InstallFrom, Service};
use drydock_engine::recover::{Next, Reason};
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::machine::Visit;
use drydock_simulator::visited::Seen;
use drydock_state::{Outcome, SetName};

/// A medium's files by their names.
type Files<'f> = &'f [(&'f str, &'f [u8])];

/// A device that runs version 2 in set b, with version 1 in set a, and takes newer ones from sticks.
fn device() -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.second.clone());
    let mut service = Service::open();
    service.stick.install = InstallFrom::Newer;
    device.config.service = Some(service);
    device
}

fn bundle(version: &str) -> &'static [u8] {
    &WORKSHOP.version(version).bundle
}

/// A recovery with nobody's job, with these sticks plugged in and nobody there.
fn recover(device: &SimDevice, sticks: &[Files]) -> Seen {
    device.visit(Visit::default().bringing(sticks), Reason::Asked)
}

/// Nothing is installed, and nothing is said of it.
fn leaves_alone(device: &SimDevice, sticks: &[Files], set: SetName) {
    let before = device.record().unwrap();
    let seen = recover(device, sticks);
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(set)));
    assert!(!seen.told.iter().any(|line| line.contains("is newer than what runs")), "{:?}", seen.told);
    let after = device.record().unwrap();
    assert_eq!((&after.history, &after.sets), (&before.history, &before.sets));
}

#[test]
fn the_newest_of_all_sticks_is_installed_without_a_question() {
    let device = device();
    let seen = recover(
        &device,
        &[&[("a.drydock", bundle("1")), ("b.drydock", bundle("3"))], &[("b.drydock", bundle("4"))]],
    );
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::A)));
    assert!(seen.told.iter().any(|line| line.contains("version 4 on a medium is newer than what runs")));
    assert_eq!(device.record().unwrap().sets.a.version, "4");
    assert_eq!(device.run(), End::Up(SetName::A));
}

#[test]
fn what_runs_and_what_is_older_is_left_alone() {
    let device = device();
    for files in [
        &[("old.drydock", bundle("1"))][..],
        &[("same.drydock", bundle("2"))],
        &[("old.drydock", bundle("1")), ("same.drydock", bundle("2")), ("noise.drydock", b"noise")],
        &[],
    ] {
        leaves_alone(&device, &[files], SetName::B);
    }
}

#[test]
fn a_stick_that_is_left_plugged_in_is_installed_once() {
    let device = device();
    let stick: Files = &[("a.drydock", bundle("3")), ("b.drydock", bundle("4"))];
    assert_eq!(recover(&device, &[stick]).boot, Boot::Recovered(Next::Reboot(SetName::A)));
    assert_eq!(device.run(), End::Up(SetName::A));
    // Version 3 is on it as well, and is older than what runs now.
    for _ in 0..3 {
        leaves_alone(&device, &[stick], SetName::A);
    }
}

#[test]
fn a_release_that_falls_back_is_left_alone_from_then_on() {
    let mut device = device();
    let stick: Files = &[("b.drydock", bundle("4"))];
    assert_eq!(recover(&device, &[stick]).boot, Boot::Recovered(Next::Reboot(SetName::A)));
    // It never says that it is well.
    device.sick = Some("4".into());
    assert_eq!(device.run(), End::Up(SetName::B));
    leaves_alone(&device, &[stick], SetName::B);
}

#[test]
fn a_bundle_that_is_damaged_is_tried_once() {
    let device = device();
    let mut damaged = bundle("3").to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let stick: Files = &[("b.drydock", &damaged)];
    let seen = recover(&device, &[stick]);
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
    assert_eq!(device.record().unwrap().history.last().unwrap().outcome, Outcome::Failed);
    leaves_alone(&device, &[stick], SetName::B);
    // Nor does it keep a whole one of another version from being taken.
    let whole = recover(&device, &[stick, &[("c.drydock", bundle("4"))]]);
    assert_eq!(whole.boot, Boot::Recovered(Next::Reboot(SetName::A)));
}

#[test]
fn without_the_word_for_it_nothing_is_installed_without_a_question() {
    let mut device = device();
    device.config.service = Some(Service::open());
    leaves_alone(&device, &[&[("b.drydock", bundle("4"))]], SetName::B);
}
