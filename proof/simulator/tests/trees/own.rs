//! Trees on a partition that they have to themselves: blank when the device is flashed, made at the first start.

use crate::cuts::{self, Kept, WORKSHOP, at_rest, survives, up};
use drydock_config::{Share, Tree as Settings};
use drydock_engine::live;
use drydock_simulator::application::{CLASS, PARTITION, own};
use drydock_simulator::contents::Contents;
use drydock_simulator::device::SimDevice;
use drydock_simulator::trees::Tree;
use std::path::Path;
use std::sync::LazyLock;

/// Version 1 runs in set a, and the device keeps a file of its own in the tree.
static FIRST: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let mut device = cuts::device(&(WORKSHOP.flashed(), Tree::default()));
    on_its_own(&mut device);
    assert_eq!(up(&device, Kept::Nothing), Ok("1".into()));
    own(&&**device.trees.as_ref().unwrap(), Path::new("a/files")).unwrap();
    at_rest(&device)
});

/// Lets the trees have a partition.
fn on_its_own(device: &mut SimDevice<'static>) {
    device.config.trees = vec![Settings {
        share: Share::Link,
        partition: Some(PARTITION.into()),
        mount: Some("/srv".into()),
        ..Settings::of(CLASS)
    }];
}

fn to(version: &'static str) -> impl Fn(&mut SimDevice<'static>) {
    move |device| {
        on_its_own(device);
        device.stage(version);
    }
}

#[test]
fn the_first_start_survives_every_cut_and_makes_the_filesystem_and_the_tree() {
    survives(&(WORKSHOP.flashed(), Tree::default()), on_its_own, (&["1"], Kept::Nothing));
}

#[test]
fn an_update_survives_every_cut() {
    survives(&FIRST, to("2"), (&["2"], Kept::Own));
}

#[test]
fn a_rollback_survives_every_cut_and_goes_back_to_the_old_tree() {
    let sick = |device: &mut SimDevice<'static>| {
        to("2")(device);
        device.sick = Some("2".into());
    };
    survives(&FIRST, sick, (&["1"], Kept::Own));
}

#[test]
fn a_factory_reset_survives_every_cut_and_makes_the_partition_new_as_well() {
    let reset = |device: &mut SimDevice<'static>| {
        on_its_own(device);
        device.live(live::factory_reset).unwrap();
    };
    survives(&FIRST, reset, (&["3"], Kept::Nothing));
}

/// A wipe of the partition takes what the device kept, and the next start makes the tree anew.
#[test]
fn a_wipe_of_the_partition_survives_every_cut_and_the_tree_is_made_anew() {
    let wiped = |device: &mut SimDevice<'static>| {
        on_its_own(device);
        device.config.wipes[0].label = PARTITION.into();
        device.config.wipes[0].how = drydock_config::WipeHow::Volume;
        device.live(|machine| live::wipe(machine, PARTITION)).unwrap();
    };
    survives(&FIRST, wiped, (&["1"], Kept::Nothing));
}
