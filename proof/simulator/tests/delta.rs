//! Updates by delta: what is wrong with one never reaches a slot, and is no reason against the whole image.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage, installed, told};
use drydock_fixtures::{Parts, Random};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::disk::On;
use drydock_simulator::truth;
use drydock_simulator::workshop::LIKE_THE_FIRST;
use drydock_state::{Outcome, SetName};
use std::sync::Arc;

/// A device that runs version 1 and has version 5 staged, with this bundle of it.
fn staged(bundle: Vec<u8>) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged_like.clone());
    device.bundles.insert("5.drydock".into(), Arc::new(bundle));
    device
}

fn whole() -> Vec<u8> {
    WORKSHOP.version(LIKE_THE_FIRST).bundle.to_vec()
}

#[test]
fn a_device_that_has_the_base_needs_nothing_but_the_delta() {
    assert_eq!(installed(&staged(WORKSHOP.slim(LIKE_THE_FIRST))), "");
    assert_eq!(installed(&staged(whole())), "");
}

#[test]
fn a_device_that_has_another_version_takes_the_whole_images() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.second.clone());
    device.bundles.insert("5.drydock".into(), Arc::new(whole()));
    device.stage(LIKE_THE_FIRST);
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(told(&device), (Outcome::Installed, String::new()));
}

#[test]
fn a_slim_bundle_for_another_version_is_refused_before_anything_is_written() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.second.clone());
    device.bundles.insert("5.drydock".into(), Arc::new(whole()));
    device.stage(LIKE_THE_FIRST);
    device.bundles.insert("5.drydock".into(), Arc::new(WORKSHOP.slim(LIKE_THE_FIRST)));
    assert_eq!(device.run(), End::Up(SetName::B));
    let (outcome, reason) = told(&device);
    assert_eq!(outcome, Outcome::Failed);
    assert!(reason.contains("was left out of this one"), "{reason}");
    assert!(truth::set_is_whole(&WORKSHOP, &device.disk, SetName::A).is_ok());
}

#[test]
fn a_delta_that_is_damaged_anywhere_costs_nothing_but_frames() {
    let mut random = Random::new(4);
    let mut healed = 0;
    for _ in 0..200 {
        let mut parts = Parts::of(&whole());
        let mut place = [0; 8];
        random.fill(&mut place);
        let place = u64::from_le_bytes(place) as usize;
        let members = ["boot.delta-0.data", "root.delta-0.data", "boot.delta-0.index", "root.delta-0.index"];
        let member = parts.get(members[place % members.len()]);
        let bit = place / 8 % (member.len() * 8);
        member[bit / 8] ^= 1 << (bit % 8);
        let reason = installed(&staged(parts.bytes()));
        assert!(reason.is_empty() || reason.contains("was filled with more than its delta"), "{reason}");
        healed += usize::from(!reason.is_empty());
    }
    // A few bits mean nothing: the unused ones of an arithmetic coder's last byte.
    assert!(healed > 190, "{healed}");
}

#[test]
fn a_delta_that_is_cut_short_costs_nothing_but_frames() {
    let mut parts = Parts::of(&whole());
    let data = parts.get("root.delta-0.data");
    let middle = data.len() / 2;
    data[middle..].fill(0);
    let reason = installed(&staged(parts.bytes()));
    assert!(reason.starts_with("root-b was filled with more than its delta ("), "{reason}");
}

#[test]
fn a_base_that_is_not_what_its_trailer_says_costs_nothing_but_frames() {
    let contents = damage(&MOMENTS.staged_like, "root-a", 40_000, &[0x5a; 9000]);
    let mut device = SimDevice::new(&WORKSHOP, contents);
    device.bundles.insert("5.drydock".into(), Arc::new(whole()));
    let reason = installed(&device);
    assert!(reason.contains("does not have its signed digest") || reason.contains("damaged"), "{reason}");
}

#[test]
fn a_base_with_a_bad_sector_costs_nothing_but_frames() {
    let device = staged(whole());
    let start = WORKSHOP.range("root-a").start + 65_536;
    device.disk.fail(On::Read, start..start + 4096);
    let reason = installed(&device);
    assert!(reason.contains("the base of the delta could not be read"), "{reason}");
}

#[test]
fn a_slim_bundle_whose_delta_is_damaged_leaves_the_old_system_with_the_reason() {
    let mut parts = Parts::of(&WORKSHOP.slim(LIKE_THE_FIRST));
    let data = parts.get("root.delta-0.data");
    let middle = data.len() / 2;
    data[middle] ^= 0x10;
    let device = staged(parts.bytes());
    assert_eq!(device.run(), End::Up(SetName::A));
    let (outcome, reason) = told(&device);
    assert_eq!(outcome, Outcome::Failed);
    for words in ["its delta can't be used (", "root.zst was left out of this one, and is needed here"] {
        assert!(reason.contains(words), "`{words}` is not in: {reason}");
    }
}
