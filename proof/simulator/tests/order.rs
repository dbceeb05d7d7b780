//! The order in which a recovery writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_engine::recover::{self, Next, Reason};
use drydock_engine::state::State;
use drydock_simulator::device::SimDevice;
use drydock_state::{CopyName, SetName};

#[test]
fn slots_are_written_in_the_order_of_the_configuration() {
    let classes: Vec<String> = WORKSHOP.config.set_classes().map(|slot| slot.class.clone()).collect();
    assert!(classes.len() > 1);
    for reversed in [false, true] {
        let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged_again.clone());
        let mut wanted = classes.clone();
        if reversed {
            device.config.slots.reverse();
            wanted.reverse();
        }
        let machine = device.machine();
        let mut state = State::open(&machine).unwrap();
        let next = recover::recover(&machine, &mut state, Reason::Asked, Some(CopyName::A)).unwrap();
        assert_eq!(next, Next::Reboot(SetName::A));
        let told = machine.told();
        let written =
            told.iter().filter_map(|line| line.trim().strip_prefix("write  ")?.strip_suffix(": done"));
        let labels: Vec<String> = wanted.iter().map(|class| SetName::A.label(class)).collect();
        assert_eq!(written.collect::<Vec<_>>(), labels);
    }
}
