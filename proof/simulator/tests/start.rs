//! Starting a set that is not as it should be: slots of two releases, and a release that is too old.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage};
use drydock_engine::context::{BootContext, End as BootEnd, Purpose};
use drydock_engine::story;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::machine::SimMachine;
use drydock_state::{Outcome, SetName};

const A: SetName = SetName::A;
const B: SetName = SetName::B;

/// Starts a set; returns what came of it, and what was told.
fn start(contents: &Contents, set: SetName) -> (Result<BootEnd, String>, SimMachine<'static>) {
    let machine = SimDevice::new(&WORKSHOP, contents.clone()).machine();
    let end = story::boot(&machine, BootContext { purpose: Purpose::Set(set), copy: None });
    (end.map_err(|error| error.to_string()), machine)
}

/// A disk on which one slot has what another one of its class has.
fn with_slot_of(contents: &Contents, to: &str, from: &str) -> Contents {
    let range = WORKSHOP.range(from);
    let mut bytes = vec![0; (range.end - range.start) as usize];
    contents.read(range.start, &mut bytes);
    damage(contents, to, 0, &bytes)
}

#[test]
fn a_boot_slot_of_another_release_is_told_and_keeps_no_set_from_starting() {
    // Version 1 in set a, version 2 in set b.
    let mixed = with_slot_of(&MOMENTS.second, "boot-b", "boot-a");
    let (end, machine) = start(&mixed, B);
    assert_eq!(end, Ok(BootEnd::Entered(B)));
    let warns = |text: &String| text.contains("the boot slot of set b is of version 1");
    assert!(machine.told().iter().any(warns), "{:?}", machine.told());

    let (end, machine) = start(&MOMENTS.second, B);
    assert_eq!(end, Ok(BootEnd::Entered(B)));
    assert!(!machine.told().iter().any(|text| text.contains("the boot slot")), "{:?}", machine.told());
}

#[test]
fn a_boot_slot_without_a_trailer_is_told_and_keeps_no_set_from_starting() {
    let range = WORKSHOP.range("boot-b");
    let blank = damage(&MOMENTS.second, "boot-b", 0, &vec![0; (range.end - range.start) as usize]);
    let (end, machine) = start(&blank, B);
    assert_eq!(end, Ok(BootEnd::Entered(B)));
    let warns = |text: &String| text.contains("the boot slot of set b has no whole trailer");
    assert!(machine.told().iter().any(warns), "{:?}", machine.told());
}

#[test]
fn a_root_slot_of_another_release_is_started_as_what_it_is() {
    let mixed = with_slot_of(&MOMENTS.second, "root-b", "root-a");
    let (end, machine) = start(&mixed, B);
    assert_eq!(end, Ok(BootEnd::Entered(B)));
    let told = machine.told();
    assert!(told.iter().any(|text| text.contains("version 1, root hash")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("the boot slot of set b is of version 2")), "{told:?}");
}

#[test]
fn a_set_below_the_boot_floor_is_not_started_and_the_other_one_is() {
    let device = SimDevice::new(&WORKSHOP, MOMENTS.below.clone());
    let Boot::NotStarted(A, why) = device.boot() else { panic!("set a was started") };
    assert!(why.contains("security version 1, this device boots nothing below 2"), "{why}");
    assert_eq!(device.run(), End::Up(B));
    assert_eq!(device.violations(), Vec::<String>::new());
    let record = device.record().unwrap();
    let told = |outcome| record.history.iter().filter(move |entry| entry.outcome == outcome);
    assert!(told(Outcome::NotStarted).all(|entry| entry.set == Some(A) && entry.reason == why));
    assert_eq!(told(Outcome::NotStarted).count(), usize::from(device.config.boot.attempts));
    assert_eq!((told(Outcome::FellBack).count(), record.last_good), (1, Some(B)));
}

#[test]
fn a_set_at_the_boot_floor_is_started() {
    let device = SimDevice::new(&WORKSHOP, MOMENTS.second.clone());
    device.change(|record| record.floors.boot = 2);
    assert_eq!(device.run(), End::Up(B));
    let history = device.record().unwrap().history;
    assert!(history.iter().all(|entry| entry.outcome != Outcome::NotStarted), "{history:?}");
}
