//! Factory resets that something stands in the way of: what is to be kept is kept, or nothing is reset.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage};
use drydock_config::{DataFailure, IfLocked};
use drydock_engine::live;
use drydock_simulator::contents::Contents;
use drydock_simulator::data::{self as found, Data};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::disk::On;
use drydock_simulator::truth;
use drydock_simulator::volume;
use drydock_state::{Outcome, SetName};

/// Version 1 runs, and a factory reset is staged.
fn device(contents: &Contents) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, contents.clone());
    device.config.factory_reset.restore_slots = false;
    // A set is to come up where `data` can't be opened, too.
    device.config.data.as_mut().unwrap().on_failure = DataFailure::Temporary;
    device
}

/// Boots until a set is up, and gives the outcome of the reset and its reason.
fn outcome(device: &SimDevice) -> (Outcome, String) {
    let id = device.record().unwrap().intent.expect("a reset is staged").id;
    assert!(matches!(device.run(), End::Up(_)));
    assert_eq!(device.violations(), Vec::<String>::new());
    let mut history = device.record().unwrap().history.into_iter();
    let entry = history.rfind(|entry| entry.outcome.ends_intent() && entry.intent == id).unwrap();
    (entry.outcome, entry.reason)
}

fn data(device: &SimDevice) -> Data {
    found::look(&WORKSHOP, &device.disk)
}

/// The same disk, sound again, with another reset staged.
fn once_more(device: &SimDevice) -> SimDevice<'static> {
    let again = self::device(&device.disk.view());
    again.live(live::factory_reset).unwrap();
    again
}

#[test]
fn a_disk_that_fails_before_the_stash_is_committed_loses_nothing() {
    for (on, label) in [(On::Read, "stash"), (On::Write, "stash"), (On::Read, "data")] {
        let device = device(&MOMENTS.reset);
        device.disk.fail(on, WORKSHOP.range(label));
        let (outcome, reason) = outcome(&device);
        assert_eq!(outcome, Outcome::Failed, "{label}");
        assert!(reason.contains(label), "{on:?} {label}: {reason}");
        assert_eq!(data(&self::device(&device.disk.view())), Data::Old, "{on:?} {label}");
    }
}

#[test]
fn a_reset_that_failed_halfway_is_gone_on_with_by_the_next_one() {
    let first = device(&MOMENTS.reset);
    let range = WORKSHOP.range("data");
    first.disk.fail(On::Write, range.start + volume::PAYLOAD..range.end);
    let (failed, reason) = outcome(&first);
    assert_eq!(failed, Outcome::Failed, "{reason}");
    let second = once_more(&first);
    assert_eq!(data(&second), Data::Stashed);
    assert_eq!(outcome(&second).0, Outcome::Reset);
    assert_eq!(data(&second), Data::New);
}

#[test]
fn a_stash_that_was_left_behind_is_not_preferred_to_a_volume_that_opens() {
    // The first reset fails where the old key slots would be destroyed; the device goes on with its data.
    let first = device(&MOMENTS.reset);
    first.disk.fail(On::Write, WORKSHOP.range("data"));
    assert_eq!(outcome(&first).0, Outcome::Failed);
    assert!(found::is_stash_committed(&WORKSHOP, &first.disk));
    let second = once_more(&first);
    assert_eq!(data(&second), Data::Old);
    assert_eq!(outcome(&second).0, Outcome::Reset);
    assert_eq!(data(&second), Data::New);
    assert!(!found::is_stash_committed(&WORKSHOP, &second.disk));
    // And one that can't be opened for the moment is not given up for it: its key slots are there.
    let mut locked = once_more(&first);
    locked.config.factory_reset.if_locked = IfLocked::Refuse;
    let material = WORKSHOP.range("data").start + 0x8000;
    let mut contents = locked.disk.view();
    contents.write(material, &[0xaa; 4096]);
    let locked = locked.again(contents, None);
    assert_eq!(outcome(&locked).0, Outcome::Failed);
}

#[test]
fn data_that_cannot_be_opened_is_reset_only_if_the_configuration_says_so() {
    let contents = damage(&MOMENTS.reset, "data", 0, &[0x55; 0x8000]);
    let mut device = device(&contents);
    let (outcome_now, reason) = outcome(&device);
    assert_eq!(outcome_now, Outcome::Failed);
    assert!(reason.contains("`data`"), "{reason}");
    let range = WORKSHOP.range("data");
    assert!(device.disk.view().shares(&contents, &range));

    device = self::device(&contents);
    device.config.factory_reset.if_locked = IfLocked::Erase;
    let (outcome_now, reason) = outcome(&device);
    assert_eq!(outcome_now, Outcome::Reset);
    assert!(reason.contains("nothing was kept"), "{reason}");
}

#[test]
fn a_blank_volume_has_nothing_to_keep() {
    let size = WORKSHOP.range("data").end - WORKSHOP.range("data").start;
    let device = device(&damage(&MOMENTS.reset, "data", 0, &vec![0; size as usize]));
    assert_eq!(outcome(&device).0, Outcome::Reset);
}

#[test]
fn slots_go_back_to_the_factorys_bundle_unless_it_is_damaged_or_too_old_or_nobody_wants_it() {
    // The bundle is whole, and the configuration has `restore_slots = false`.
    let unwanted = device(&MOMENTS.reset);
    let before = SetName::BOTH.map(|set| truth::version(&WORKSHOP, &unwanted.disk, set));
    let (done, reason) = outcome(&unwanted);
    assert_eq!((done, reason.contains("back to version")), (Outcome::Reset, false), "{reason}");
    assert_eq!(SetName::BOTH.map(|set| truth::version(&WORKSHOP, &unwanted.disk, set)), before);

    let whole = SimDevice::new(&WORKSHOP, MOMENTS.reset.clone());
    let (_, reason) = outcome(&whole);
    assert!(reason.contains("set b is back to version 3"), "{reason}");
    // Once that is good, the other set follows.
    assert_eq!(whole.run(), End::Up(SetName::A));
    let versions = SetName::BOTH.map(|set| truth::version(&WORKSHOP, &whole.disk, set));
    assert_eq!(versions, ["3", "3"].map(|version| Some(version.to_owned())));

    let bundle = WORKSHOP.version("3").bundle.len() as u64;
    let damaged = SimDevice::new(&WORKSHOP, damage(&MOMENTS.reset, "factory", bundle / 2, &[0x55; 64]));
    let (done, reason) = outcome(&damaged);
    assert_eq!((done, data(&damaged)), (Outcome::Reset, Data::New));
    assert!(reason.contains("the slots stay"), "{reason}");
    assert_eq!(damaged.run(), End::Up(SetName::A));

    let old = damage(&MOMENTS.reset, "factory", 0, &WORKSHOP.version("1").bundle);
    let old = SimDevice::new(&WORKSHOP, old);
    old.change(|record| record.floors.install = 2);
    let (done, reason) = outcome(&old);
    assert_eq!((done, data(&old)), (Outcome::Reset, Data::New));
    assert!(reason.contains("floor"), "{reason}");
}

#[test]
fn slots_go_back_by_delta_where_the_factorys_bundle_has_one_and_nothing_of_the_base_stays_mapped() {
    let contents = damage(&MOMENTS.reset, "factory", 0, &WORKSHOP.version("5").bundle);
    let device = SimDevice::new(&WORKSHOP, contents);
    // That no base is mapped at the hand-over is seen to by the device.
    let (done, reason) = outcome(&device);
    assert_eq!(done, Outcome::Reset, "{reason}");
    assert!(reason.contains("set b is back to version 5"), "{reason}");
}
