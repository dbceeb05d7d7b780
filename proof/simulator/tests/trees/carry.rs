//! What is carried over from root to root.

use crate::cuts::{self, Kept, at_rest, cuts as cut, survives, up};
use drydock_block::Flush;
use drydock_config::Role;
use drydock_engine::machine::{NodeKind, Trees};
use drydock_engine::start;
use drydock_simulator::application::{CARRY, KEY, layer, make_key};
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, SimDevice};
use drydock_simulator::trees::Tree;
use drydock_state::{Floors, SetName};
use drydock_tree::{Extra, Meta};
use std::sync::LazyLock;

/// Version 1 runs in set a, and the live system has put a file into its layer.
pub(crate) static FIRST: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let mut device = cuts::device(&cuts::FIRST);
    carrying(&mut device);
    // The first start makes the layer, and the next one finds what is in it.
    assert!(matches!(device.boot(), Boot::Up(SetName::A)));
    make_key(&&**device.trees.as_ref().unwrap(), SetName::A).unwrap();
    assert_eq!(up(&device, Kept::Own), Ok("1".into()));
    at_rest(&device)
});
/// Version 2 runs in set b after that.
pub(crate) static SECOND: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let mut device = cuts::device(&FIRST);
    carrying(&mut device);
    device.stage("2");
    assert_eq!(up(&device, Kept::Own), Ok("2".into()));
    at_rest(&device)
});

/// Lets a device carry files.
pub(crate) fn carrying(device: &mut SimDevice<'static>) {
    let root = device.config.slots.iter_mut().find(|class| class.role == Role::Root).unwrap();
    root.carry = CARRY.iter().map(|pattern| pattern.parse().unwrap()).collect();
}

/// It carries files, and gets this version.
fn to(version: &'static str) -> impl Fn(&mut SimDevice<'static>) {
    move |device| {
        carrying(device);
        device.stage(version);
    }
}

#[test]
fn an_update_that_carries_files_survives_every_cut() {
    survives(&FIRST, to("2"), (&["2"], Kept::Own));
}

#[test]
fn what_was_carried_once_is_carried_again_and_every_cut_is_survived() {
    survives(&SECOND, to("3"), (&["3"], Kept::Own));
}

#[test]
fn a_rollback_survives_every_cut_and_shows_what_the_old_set_had() {
    let sick = |device: &mut SimDevice<'static>| {
        to("2")(device);
        device.sick = Some("2".into());
    };
    survives(&FIRST, sick, (&["1"], Kept::Own));
}

#[test]
fn a_layer_that_has_its_name_before_it_is_written_is_noticed() {
    let (_, wrong) = cut(&FIRST, to("2"), (&["2"], Kept::Own), Some(Flush::TreeWritten));
    assert!(wrong.iter().any(|why| why.contains("what lies over")), "{wrong:?}");
}

/// Somebody who is root in the live system has put there what may not be.
fn tampered(device: &mut SimDevice<'static>) {
    carrying(device);
    let (trees, at) = (device.trees.as_ref().unwrap(), layer(SetName::A).join("files"));
    let trees = &**trees;
    let plain = Meta { mode: 0o755, ..Meta::default() };
    for (path, kind) in [
        ("sbin", NodeKind::Folder),
        ("sbin/init", NodeKind::File(0)),
        ("etc/passwd", NodeKind::File(0)),
        ("etc/ssh/other", NodeKind::Folder),
        ("etc/machine-id", NodeKind::Other),
    ] {
        (&trees).make(&at.join(path), &kind).unwrap();
        (&trees).set(&at.join(path), &plain).unwrap();
    }
    let trusted = Extra { name: b"trusted.overlay.opaque".to_vec(), value: b"y".to_vec() };
    (&trees).set(&at.join("etc"), &Meta { mode: 0o777, extras: vec![trusted], ..Meta::default() }).unwrap();
    (&trees).set(&at.join(KEY.0), &Meta { mode: 0o4600, ..Meta::default() }).unwrap();
}

#[test]
fn what_may_not_be_carried_is_taken_out_before_a_set_is_started_whatever_is_cut() {
    survives(&FIRST, tampered, (&["1"], Kept::Own));
}

#[test]
fn what_may_not_be_carried_is_left_behind_by_an_update() {
    let device = &mut cuts::device(&FIRST);
    tampered(device);
    device.stage("2");
    assert_eq!(up(device, Kept::Own), Ok("2".into()));
}

#[test]
fn a_set_that_can_not_have_what_it_carries_is_started_degraded() {
    let mut device = cuts::device(&FIRST);
    carrying(&mut device);
    device.trees = None;
    // The other slots' trees would keep it from being started at all.
    device.config.trees = vec![drydock_config::Tree { required: false, ..device.config.tree("app") }];
    let machine = device.machine();
    start::assemble_root(&machine, SetName::A, &Floors::default()).unwrap();
    assert_eq!(machine.laid_over(), None);
    assert!(machine.told().iter().any(|line| line.contains("DEGRADED")), "{:?}", machine.told());
}

#[test]
fn an_update_that_can_not_carry_what_it_should_fails_and_the_old_set_stays() {
    let mut device = cuts::device(&FIRST);
    carrying(&mut device);
    device.stage("2");
    let trees = &**device.trees.as_ref().unwrap();
    let deep = layer(SetName::A).join("files/etc/keys");
    (&trees).make(&deep, &NodeKind::Folder).unwrap();
    let mut path = deep;
    for _ in 0..130 {
        path.push("f");
        (&trees).make(&path, &NodeKind::Folder).unwrap();
    }
    assert!(matches!(device.boot(), Boot::Recovered(_)));
    let failed = device.record().unwrap().history.last().cloned().unwrap();
    assert!(failed.reason.contains("too many files and folders"), "{failed:?}");
    assert!((&trees).look(&layer(SetName::B).join("files")).unwrap().is_none());
}
