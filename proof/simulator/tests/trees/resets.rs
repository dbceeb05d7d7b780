//! Factory resets: the trees are new with all data, and what the device kept in them is gone.

use crate::carry::carrying;
use crate::cuts::{FIRST, Kept, device, survives, up};
use drydock_engine::live;
use drydock_simulator::device::SimDevice;

#[test]
fn after_a_factory_reset_the_trees_are_made_from_what_the_slots_hold() {
    let device = device(&FIRST);
    device.live(live::factory_reset).unwrap();
    // The factory's bundle is version 3's; what the device kept is gone with all data.
    assert_eq!(up(&device, Kept::Nothing), Ok("3".into()));
    let mut kept = crate::cuts::device(&FIRST);
    kept.config.factory_reset.restore_slots = false;
    kept.live(live::factory_reset).unwrap();
    assert_eq!(up(&kept, Kept::Nothing), Ok("1".into()));
}

/// A device that carries files as well is to be reset.
fn reset(device: &mut SimDevice<'static>) {
    carrying(device);
    device.live(live::factory_reset).unwrap();
}

#[test]
fn a_factory_reset_survives_every_cut_and_leaves_nothing_of_the_trees_and_of_what_was_carried() {
    survives(&crate::carry::FIRST, reset, (&["3"], Kept::Nothing));
}

#[test]
fn so_does_one_that_leaves_the_slots_alone() {
    let keeps_slots = |device: &mut SimDevice<'static>| {
        device.config.factory_reset.restore_slots = false;
        reset(device);
    };
    survives(&crate::carry::SECOND, keeps_slots, (&["2"], Kept::Nothing));
}
