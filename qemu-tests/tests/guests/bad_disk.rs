//! Disks that fail under the real kernel and device-mapper, by QEMU's `blkdebug`: sectors that can't be read or
//! written, a slot that turns read-only, a disk that goes away. Each ends in a system that runs, with the reason in
//! the history. The simulator's `tests/bad_disk.rs` has the others.

use crate::device::{Device, LIMIT, Partition, reason, runs, settle, status as device_status};
use drydock_qemu_tests::{Disk, Exit, Qemu, SmallSystem};
use serde_json::{Value, json};
use std::path::Path;

/// Where the partition with this label begins and ends, in sectors.
fn sectors(disk: &Path, label: &str) -> (u64, u64) {
    let partition = Partition::find(disk, label);
    (partition.start / 512, (partition.start + partition.len as u64) / 512)
}

/// A machine whose disk fails by these rules of `blkdebug`.
fn failing(name: &str, disk: &Path, errors: &[Value], states: &[Value]) -> Qemu {
    let mut node = json!({
        "driver": "blkdebug", "node-name": "bad", "discard": "unmap",
        "image": {"driver": "file", "filename": disk, "discard": "unmap"},
        "inject-error": errors
    });
    // An empty list is an option that the driver does not know.
    if !states.is_empty() {
        node["set-state"] = states.into();
    }
    Qemu::new(name).memory(256).arg("-blockdev").arg(node.to_string()).disk(Disk::node("bad"))
}

/// I/O errors wherever a request of this kind touches the sector.
fn error(iotype: &str, sector: u64) -> Value {
    json!({"event": "none", "iotype": iotype, "sector": sector})
}

/// Rules that take the disk from its first state to the last of these after so many writes. Errors for that state must
/// begin with a write, too: those of no event count from the start, or never.
fn after_writes(count: u64) -> Vec<Value> {
    (1..=count).map(|n| json!({"event": "pwritev", "state": n, "new_state": n + 1})).collect()
}

/// How a disk fails while an update is applied, and words of the reason that must be told.
struct Case {
    name: &'static str,
    errors: Vec<Value>,
    states: Vec<Value>,
    words: &'static [&'static str],
}

#[test]
fn a_target_or_a_bundle_that_fails_leaves_the_old_system_with_the_reason() {
    let staged = Device::staged("bad-sectors", SmallSystem::standard().unwrap());
    let (root, root_end) = sectors(&staged.disk(), "root-b");
    let (data, _) = sectors(&staged.disk(), "data");
    let middle = root + (5 << 11);
    let mut once = error("write", middle);
    once["once"] = true.into();
    // From some write in the middle of the apply on, no request that covers a multiple of 64 KiB is written.
    let turns = after_writes(20);
    let turned = turns.len() + 1;
    let read_only = (root..root_end)
        .step_by(128)
        .map(|sector| json!({"event": "pwritev", "iotype": "write", "sector": sector, "state": turned}));
    // The volume's filesystem begins after 16 MiB, the bundle of 22 MiB some MiB later.
    let bundle = [27, 31, 35].map(|mib: u64| error("read", data + (mib << 11)));
    let case = |name, errors: &[Value], words| Case { name, errors: errors.to_vec(), states: vec![], words };
    let cases = [
        case("write", &[error("write", middle)], &["writing", "root-b"]),
        case("write-once", &[once], &["writing", "root-b"]),
        case("read-back", &[error("read", middle)], &["root-b"]),
        case("trailer", &[error("write", root_end - 8)], &["trailer"]),
        case("bundle", &bundle, &["Input/output error"]),
        Case { states: turns, ..case("read-only", &read_only.collect::<Vec<_>>(), &["writing", "root-b"]) },
    ];
    let one = |case: &Case| {
        let Case { name, errors, states, words } = case;
        let disk = staged.copy(name);
        let mut guest = failing(name, &disk, errors, states).start().unwrap();
        guest.expect("FAILED", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset, "{name}");
        let status = settle(name, &disk);
        assert_eq!(runs(&status), ("a", "1.0.0"), "{name}");
        let reason = reason(&status);
        println!("{name}: {reason}");
        for word in *words {
            assert!(reason.contains(word), "{name}: `{word}` is not in: {reason}");
        }
        std::fs::remove_file(disk).unwrap();
    };
    std::thread::scope(|scope| {
        for half in cases.chunks(3) {
            scope.spawn(|| half.iter().for_each(one));
        }
    });
}

#[test]
fn a_place_of_the_state_that_fails_is_given_up_for_its_spare_and_the_update_goes_on() {
    let staged = Device::staged("bad-state", SmallSystem::standard().unwrap());
    let (state, _) = sectors(&staged.disk(), "state");
    for iotype in ["read", "write"] {
        let disk = staged.copy(iotype);
        let mut guest = failing(iotype, &disk, &[error(iotype, state)], &[]).start().unwrap();
        guest.expect("it is in its spare place now", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
        let mut guest = failing(iotype, &disk, &[error(iotype, state)], &[]).start().unwrap();
        let status = device_status(&mut guest);
        assert_eq!(runs(&status), ("b", "2.0.0"), "{iotype}: {status}");
        assert_eq!(told(&status, "state-mended").len(), 1, "{iotype}: {status}");
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
        // And on a disk that works again, where both places can be read.
        assert_eq!(runs(&settle(iotype, &disk)), ("b", "2.0.0"), "{iotype}");
    }
}

/// No starts are left for the only set, which is whole: one read of it fails while recovery looks for the reason. That
/// is no damage, so the set is started again.
#[test]
fn a_set_that_cannot_be_read_for_a_moment_is_not_condemned() {
    let device = Device::flashed("unreadable", SmallSystem::standard().unwrap());
    assert_eq!(runs(&settle("unreadable", &device.disk())), ("a", "1.0.0"));
    let bootenv = Partition::find(&device.disk(), "bootenv");
    let mut bytes = bootenv.read();
    let at = bytes.windows(6).position(|text| text == b"dd_a=3").expect("set a has its starts");
    bytes[at + 5] = b'0';
    bootenv.write(&bytes);

    let (root, _) = sectors(&device.disk(), "root-a");
    let mut once = error("read", root + (3 << 11));
    once["once"] = true.into();
    let mut guest = failing("unreadable", &device.disk(), &[once], &[]).start().unwrap();
    guest.expect("reading back root-a failed: Input/output error", LIMIT).unwrap();
    guest.expect("the last good set is armed again", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let status = settle("unreadable", &device.disk());
    assert_eq!(runs(&status), ("a", "1.0.0"));
    assert_eq!((told(&status, "rearmed").len(), told(&status, "marked-bad").len()), (1, 0), "{status}");
}

/// The entries of the history with this outcome.
fn told<'s>(status: &'s Value, outcome: &str) -> Vec<&'s Value> {
    status["history"].as_array().unwrap().iter().filter(|entry| entry["outcome"] == outcome).collect()
}

#[test]
fn a_disk_that_goes_away_in_the_middle_of_an_update_is_no_more_than_a_cut() {
    let staged = Device::staged("gone", SmallSystem::standard().unwrap());
    // All of them well before the commit, however the kernel merges the writes of its filesystems.
    for writes in [3, 12, 25] {
        let name = format!("gone-{writes}");
        let disk = staged.copy(&name);
        let states = after_writes(writes);
        let gone = ["read", "write", "flush"]
            .map(|iotype| json!({"event": "pwritev", "iotype": iotype, "state": writes + 1}));
        let mut guest = failing(&name, &disk, &gone, &states).start().unwrap();
        guest.expect("resetting the machine", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset, "{name}");
        let said = guest.said();
        assert!(said.contains("I/O error, dev vda") && said.contains("FAILED"), "{name}: {said}");
        let status = settle(&name, &disk);
        assert_eq!(runs(&status), ("b", "2.0.0"), "{name}: {status}");
    }
}
