//! A release may have an image for one slot of a class alone, as unified kernel images need it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{PATH, Spares, WORKSHOP, device, refused, source};
use drydock_block::{BlockDevice, read_vec};
use drydock_simulator::device::SimDevice;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::Workshop;
use drydock_state::{SetName, SetStatus};
use std::sync::Arc;

/// The same image for another slot.
fn another(image: &[u8], mark: u8) -> Vec<u8> {
    [&[mark; 4096], &image[4096..]].concat()
}

/// What a slot begins with.
fn holds(device: &SimDevice, label: &str, image: &[u8]) -> bool {
    let slot = WORKSHOP.partition(&device.disk, label).unwrap();
    slot.size() >= image.len() as u64 && read_vec(&slot, 0, image.len()).unwrap() == image
}

#[test]
fn each_slot_gets_its_own_image_and_so_does_each_copy_of_the_recovery() {
    let [(_, boot), (_, root)] = WORKSHOP.images("3");
    let all = |name: &str, len: usize| {
        ["a", "b"].map(|slot| (format!("{name}-{slot}"), another(&boot[..len], slot.as_bytes()[0])))
    };
    let (boots, recoveries) = (all("boot", boot.len()), all("recovery", 3 * 4096));
    let mut images: Vec<(&str, Vec<u8>)> = vec![("root", root)];
    images.extend(boots.iter().chain(&recoveries).map(|(name, bytes)| (name.as_str(), bytes.clone())));
    let bundle = WORKSHOP.bundle("9", 9, &images);

    // Version 2 runs in set b, so set a is written.
    let mut device = device();
    device.bundles.insert(PATH.into(), Arc::new(bundle));
    device.stage_from(source());
    device.boot();
    let record = device.record().unwrap();
    assert_eq!((record.trial, record.sets.a.version.as_str()), (Some(SetName::A), "9"));
    assert!(holds(&device, "boot-a", &boots[0].1));
    device.boot();
    assert!(device.is_well(SetName::A));
    let first = record.recovery.first;
    let other = usize::from(first == drydock_state::CopyName::A);
    device.boot();
    assert!(holds(&device, &recoveries[other].0, &recoveries[other].1));
    assert_eq!(device.record().unwrap().sets.a.status, SetStatus::Good);
}

#[test]
fn an_image_for_the_other_slot_alone_is_none_for_this_one() {
    let [(_, boot), (_, root)] = WORKSHOP.images("3");
    let bundle = Workshop::new(SETUPS[0]).bundle("9", 9, &[("boot-b", boot), ("root", root)]);
    refused("only for b", bundle, &["neither has an image for the class `boot`"], Spares::Both);
}
