//! No set has starts left, and recovery looks for the reason: only what is not what was signed is condemned.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage};
use drydock_engine::recover::Next;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::disk::On;
use drydock_state::{Outcome, SetName, SetStatus};

const B: SetName = SetName::B;

/// What is wrong with a device.
type Wrong<'w> = &'w dyn Fn(&mut SimDevice<'_>);

/// Boots recovery once on a device without starts left, in a way that something is wrong with; returns what it says of the
/// last good set then.
fn after(contents: &Contents, make_wrong: impl FnOnce(&mut SimDevice<'_>)) -> (SetStatus, bool, Contents) {
    let mut device = SimDevice::new(&WORKSHOP, contents.clone());
    make_wrong(&mut device);
    assert_eq!(device.boot(), Boot::Recovered(Next::Reboot(B)));
    let record = device.record().unwrap();
    let condemned = record.history.iter().any(|entry| entry.outcome == Outcome::MarkedBad);
    assert_eq!(record.history.last().unwrap().outcome, Outcome::Rearmed);
    (record.sets.b.status, condemned, device.disk.view())
}

#[test]
fn a_set_that_cannot_be_read_or_whose_keys_were_rotated_away_is_not_condemned() {
    let start = WORKSHOP.range("root-b").start;
    let end = WORKSHOP.range("root-b").end;
    let wrongs: [(&str, Wrong<'_>); 5] = [
        ("its data", &|device| device.disk.fail(On::Read, start + 0x4_0000..start + 0x4_0200)),
        ("its hash tree", &|device| device.disk.fail(On::Read, start + 0x8_4000..start + 0x8_5000)),
        ("its trailer", &|device| device.disk.fail(On::Read, end - 4096..end)),
        ("other keys", &|device| {
            device.config.signatures.keys = vec![WORKSHOP.keys[2].public().unwrap().to_string()]
        }),
        ("a higher threshold", &|device| device.config.signatures.threshold += 1),
    ];
    for (name, make_wrong) in wrongs {
        let (status, condemned, contents) = after(&MOMENTS.starved, |device| make_wrong(device));
        assert_eq!((status, condemned), (SetStatus::Good, false), "{name}");
        // Once that is over, the set runs.
        assert_eq!(SimDevice::new(&WORKSHOP, contents).run(), End::Up(B), "{name}");
    }
}

#[test]
fn a_set_that_is_not_what_was_signed_is_condemned() {
    for (name, offset) in [("its data", 0x4_0000), ("its hash tree", 0x8_4000)] {
        let contents = damage(&MOMENTS.starved, "root-b", offset, &[0x55; 512]);
        let device = SimDevice::new(&WORKSHOP, contents);
        assert_eq!(device.boot(), Boot::Recovered(Next::Reboot(SetName::A)), "{name}");
        assert_eq!(device.record().unwrap().sets.b.status, SetStatus::Bad, "{name}");
        assert_eq!(device.run(), End::Up(SetName::A), "{name}");
    }
}
