//! Damaged state and trailers, and disks that fail: a system always comes up, and nothing is lost that can be kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, Spares, WORKSHOP, damage, fails, untouched};
use drydock_engine::live;
use drydock_engine::recover::{self, Next};
use drydock_engine::state::{Seen, State, Trust};
use drydock_engine::update::Look;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::disk::On;
use drydock_simulator::truth;
use drydock_state::{Outcome, Record, Replica, SetName, SetStatus, encode_replica, replica_offsets};
use std::ops::Range;

fn with(contents: &Contents) -> SimDevice<'static> {
    SimDevice::new(&WORKSHOP, contents.clone())
}

fn replicas() -> [u64; 2] {
    let state = WORKSHOP.range("state");
    replica_offsets(state.end - state.start).unwrap()
}

fn last(device: &SimDevice, outcome: Outcome) -> drydock_state::Entry {
    let history = device.record().unwrap().history;
    history.into_iter().rfind(|entry| entry.outcome == outcome).expect("it is in the history")
}

/// Switches the device on often enough for all attempts to be used up, were they not given back.
fn comes_up_again_and_again(device: &SimDevice, set: SetName) {
    for start in 1..=12 {
        assert_eq!(device.run(), End::Up(set), "start {start}");
    }
}

#[test]
fn state_that_is_lost_is_rebuilt_from_the_trailers() {
    let size = WORKSHOP.range("state").end - WORKSHOP.range("state").start;
    let noise: Vec<u8> = (0..size).map(|n| ((n * 7919) >> 3) as u8).collect();
    for (name, bytes) in [("zeroed", vec![0; size as usize]), ("garbage", noise)] {
        let contents = damage(&MOMENTS.second, "state", 0, &bytes);
        let device = with(&contents);
        comes_up_again_and_again(&device, SetName::B);
        assert!(
            untouched(&device, &contents, SetName::A) && untouched(&device, &contents, SetName::B),
            "{name}"
        );
        let record = device.record().unwrap();
        assert_eq!((record.last_good, record.sets.a.status), (Some(SetName::B), SetStatus::Good), "{name}");
        assert_eq!((record.floors.install, record.floors.boot), (2, 1), "{name}");
        assert!(last(&device, Outcome::StateRebuilt).reason.contains("rebuilt"), "{name}");
        // And an update goes on from there.
        device.stage("3");
        assert_eq!(device.run(), End::Up(SetName::A), "{name}");
        assert_eq!(device.violations(), Vec::<String>::new());
    }
}

#[test]
fn state_and_boot_environment_that_are_both_lost_leave_a_system() {
    let contents = damage(&MOMENTS.second, "state", 0, &vec![0; 4 << 20]);
    let device = with(&contents);
    let file =
        drydock_state::fat::find(&WORKSHOP.partition(&device.disk, "bootenv").unwrap(), b"GRUBENV    ");
    let device = with(&damage(&contents, "bootenv", file.unwrap().offset, &[0xff; 512]));
    // Nothing tells any more which of the two ran last.
    comes_up_again_and_again(&device, SetName::A);
    assert_eq!(device.record().unwrap().sets.b.status, SetStatus::Good);
}

#[test]
fn a_replica_that_is_half_written_is_made_good() {
    for at in replicas() {
        let contents = damage(&MOMENTS.staged_again, "state", at + 4096, &[0x55; 300]);
        let device = with(&contents);
        assert_eq!(device.run(), End::Up(SetName::A));
        assert!(
            truth::replicas(&WORKSHOP, &device.disk)
                .iter()
                .all(|replica| matches!(replica, Replica::Valid { .. }))
        );
        assert_eq!(last(&device, Outcome::Installed).version, "3");
        assert_eq!(device.violations(), Vec::<String>::new());
    }
}

/// A record that a later drydock wrote, with a right checksum.
fn of_a_later_version(record: &Record) -> Vec<u8> {
    use sha2::Digest;
    let mut bytes = encode_replica(99, record).unwrap();
    bytes[8] = 2;
    let sum = sha2::Sha256::digest(&bytes[..480]);
    bytes[480..512].copy_from_slice(&sum);
    bytes
}

#[test]
fn state_from_a_later_version_is_left_alone_and_the_system_runs() {
    let later = of_a_later_version(&with(&MOMENTS.staged_again).record().unwrap());
    let [first, second] = replicas();
    let contents = damage(&damage(&MOMENTS.staged_again, "state", first, &later), "state", second, &later);
    nothing_is_changed(&contents, &|_| {}, "format version 2");
    // One replica is enough for caution.
    nothing_is_changed(&damage(&MOMENTS.staged_again, "state", first, &later), &|_| {}, "format version 2");
}

#[test]
fn a_replica_that_cannot_be_read_is_written_anew_or_moves_and_updates_go_on() {
    for (number, at) in (1..).zip(replicas()) {
        for (on, words) in [(On::ReadUntilWritten, "written anew"), (On::Read, "spare place")] {
            let device = with(&MOMENTS.staged_again);
            let start = WORKSHOP.range("state").start + at;
            device.disk.fail(on, start..start + 512);
            assert_eq!(device.run(), End::Up(SetName::A), "replica {number}, {on:?}");
            let machine = device.machine();
            let seen = Seen::look(&machine).unwrap();
            assert_eq!(seen.trust, Trust::Whole);
            let told: Vec<_> =
                seen.record.history.iter().filter(|entry| entry.outcome == Outcome::StateMended).collect();
            assert_eq!(told.len(), 1, "it is told once: {told:?}");
            assert!(
                told[0].reason.contains(words) && told[0].reason.contains(&format!("copy {number} ")),
                "{told:?}"
            );
            assert!(seen.record.history.iter().any(|e| e.outcome == Outcome::Installed && e.version == "3"));
            assert_eq!(device.violations(), Vec::<String>::new());
            comes_up_again_and_again(&device, SetName::A);
        }
    }
}

#[test]
fn two_replicas_that_cannot_be_read_leave_all_as_it_is_and_the_system_runs() {
    // Nothing tells any more which of the two sets ran last but the environment.
    let start = WORKSHOP.range("state").start;
    let [first, second] = replicas().map(|at| start + at..start + at + 512);
    let break_it = move |device: &SimDevice| {
        device.disk.fail(On::Read, first.clone());
        device.disk.fail(On::Read, second.clone());
    };
    nothing_is_changed(&MOMENTS.staged_again, &break_it, "reading the state record failed");
}

#[test]
fn a_replica_that_the_bootloader_was_told_more_than_is_not_gone_on_from() {
    // Replica 2 is that of before staging, and replica 1, of after it, can't be read.
    let [first, second] = replicas();
    let state = WORKSHOP.range("state").start;
    let mut old = vec![0; 0x4_1000];
    MOMENTS.second.read(state + second, &mut old);
    let start = state + first;
    let break_it = move |device: &SimDevice| device.disk.fail(On::Read, start..start + 512);
    nothing_is_changed(
        &damage(&MOMENTS.staged_again, "state", second, &old),
        &break_it,
        "reading the state record",
    );
}

/// The old system runs, again and again; a job that waits is not done, and the state is not written.
fn nothing_is_changed(contents: &Contents, break_it: &dyn Fn(&SimDevice), why: &str) {
    let device = with(contents);
    break_it(&device);
    comes_up_again_and_again(&device, SetName::B);
    let now = device.disk.view();
    assert!(now.shares(contents, &WORKSHOP.range("state")), "the state was written");
    assert!(untouched(&device, contents, SetName::A) && untouched(&device, contents, SetName::B));
    let refused = device.live(|machine| live::stage(machine, common::source(), Look::Quick)).unwrap_err();
    assert!(refused.to_string().contains(why), "{refused}");
}

/// Damages the trailer of a slot.
fn without_trailer(contents: &Contents, slot: &str) -> Contents {
    let range = WORKSHOP.range(slot);
    damage(contents, slot, range.end - range.start - 4096 + 30, &[0xaa])
}

#[test]
fn a_new_set_with_a_damaged_trailer_is_given_up() {
    let device = with(&without_trailer(&MOMENTS.installed, "root-b"));
    assert!(matches!(device.boot(), Boot::NotStarted(SetName::B, why) if why.contains("trailer is damaged")));
    assert_eq!(device.run(), End::Up(SetName::A));
    let entry = last(&device, Outcome::RolledBack);
    assert!(entry.set == Some(SetName::B) && !entry.reason.is_empty());
    comes_up_again_and_again(&device, SetName::A);
}

#[test]
fn a_good_set_with_a_damaged_trailer_falls_back_to_the_other() {
    let device = with(&without_trailer(&MOMENTS.second, "root-b"));
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(last(&device, Outcome::FellBack).set, Some(SetName::B));
    comes_up_again_and_again(&device, SetName::A);
    // An update mends it.
    device.stage("3");
    assert_eq!(device.run(), End::Up(SetName::B));
}

#[test]
fn sets_that_are_damaged_beyond_starting_leave_recovery_up_until_a_bundle_mends_them() {
    let damaged = without_trailer(&without_trailer(&MOMENTS.first, "root-a"), "boot-a");
    let mut device = with(&damage(&damaged, "factory", 0, &[0; 4096]));
    let mut boots = (0..12).map(|_| device.boot());
    let stay = boots.find_map(|boot| match boot {
        Boot::Recovered(Next::Stay(why)) => Some(why),
        _ => None,
    });
    let why = stay.expect("recovery stays");
    for word in ["a is bad, b is empty", "the file rescue.drydock", "`factory`"] {
        assert!(why.contains(word), "{why}");
    }
    assert!(last(&device, Outcome::MarkedBad).reason.contains("damaged"));
    // It still stays after a reset, and the bundle in the partition `factory` mends the device.
    assert!(matches!(device.boot(), Boot::Recovered(Next::Stay(_))));
    let mut start = [0; 4096];
    let range = WORKSHOP.range("factory");
    MOMENTS.first.read(range.start, &mut start);
    device = with(&damage(&device.disk.view(), "factory", 0, &start));
    let Boot::Rescued(why) = device.boot() else { panic!("recovery does not find the bundle") };
    assert!(why.contains("a is bad, b is empty"), "{why}");
    assert_eq!(device.run(), End::Up(SetName::B));
    // Without anything that helps it goes on staying.
    device = with(&damage(&without_trailer(&MOMENTS.first, "root-a"), "factory", 0, &[0; 4096]));
    for _ in 0..12 {
        device.boot();
    }
    // What is looked for, and whether anything is, is up to the configuration.
    for (file, asked) in [("rescue.drydock", true), ("acme/mend.drydock", true), ("", false)] {
        device.config.recovery.rescue_file = file.into();
        let machine = device.machine();
        assert!(!recover::rescue(&machine, &mut State::open(&machine).unwrap()).unwrap());
        let looked_for = format!("{file} on a removable medium");
        assert_eq!(machine.told().iter().any(|line| line.contains(&looked_for)), asked, "{file}");
        let Boot::Recovered(Next::Stay(why)) = device.boot() else { panic!("recovery does not stay") };
        assert_eq!(why.contains(&format!("in the file {file}")), asked, "{why}");
    }
}

#[test]
fn damage_to_the_target_does_not_matter() {
    for slot in ["boot-a", "root-a"] {
        let device = with(&without_trailer(&MOMENTS.staged_again, slot));
        assert_eq!(device.run(), End::Up(SetName::A));
        assert_eq!(device.violations(), Vec::<String>::new());
    }
}

#[test]
fn a_new_set_with_a_damaged_kernel_ends_its_trial() {
    let device = with(&damage(&MOMENTS.installed, "boot-b", 5000, &[0xaa; 16]));
    for _ in 0..12 {
        assert_eq!(device.run(), End::Up(SetName::A));
    }
    assert_eq!(last(&device, Outcome::RolledBack).set, Some(SetName::B));
}

fn slot(label: &str, part: Range<u64>) -> Range<u64> {
    let start = WORKSHOP.range(label).start;
    start + part.start..start + part.end
}

#[test]
fn a_target_that_fails_leaves_the_old_system() {
    let end = WORKSHOP.range("boot-a").end;
    let trailer = end - 4096..end;
    let faults: [(&str, On, Range<u64>, &[&str]); 5] = [
        ("its first block", On::Write, slot("boot-a", 0..4096), &["writing", "boot-a"]),
        ("its last frame", On::Write, slot("root-a", 0x80000..0x81000), &["writing", "root-a"]),
        ("its hash tree", On::Write, slot("root-a", 0x84000..0x85000), &["root-a"]),
        ("reading back", On::Read, slot("root-a", 0x40000..0x40200), &["reading", "root-a"]),
        ("its trailer", On::Write, trailer, &["writing the slot's trailer"]),
    ];
    for (name, on, range, words) in faults {
        let device = with(&MOMENTS.staged_again);
        device.disk.fail(on, range);
        fails(&device, name, words, Spares::OldSet);
    }
}

#[test]
fn a_target_that_turns_read_only_leaves_the_old_system() {
    let device = with(&MOMENTS.staged_again);
    device.disk.fail(On::Write, WORKSHOP.range("root-a"));
    fails(&device, "read-only", &["writing"], Spares::OldSet);
}

#[test]
fn a_disk_that_goes_away_and_comes_back_is_no_more_than_a_cut() {
    let whole = with(&MOMENTS.staged_again);
    assert_eq!(whole.run(), End::Up(SetName::A));
    for count in 0..whole.disk.log().len() as u64 {
        let device = with(&MOMENTS.staged_again);
        device.disk.gone_after(count);
        while matches!(device.boot(), Boot::Recovered(_)) {}
        let device = device.again(device.disk.view(), None);
        assert_eq!(device.run(), End::Up(SetName::A), "gone after {count} writes and flushes");
        assert_eq!(device.violations(), Vec::<String>::new());
        assert_eq!(last(&device, Outcome::Installed).version, "3");
    }
}
