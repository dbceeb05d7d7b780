//! A tree of files: made at the first start, updated beside the one that runs, shown by process 1, and back with its set.

use crate::device::{Device, LIMIT, config};
use drydock_qemu_tests::{Exit, Script, SmallSystem};

const OWN: &str = "/var/lib/drydock/trees/app/current/own";

fn device() -> Device {
    let config = config(&[
        (
            "[signatures]",
            "[[slot]]\nclass = \"app\"\nrole = \"files\"\n\n[[tree]]\nclass = \"app\"\nat = \"/tmp\"\n\n[signatures]",
        ),
        ("root = 20 }", "root = 20, app = 1 }"),
    ]);
    Device::flashed("files", SmallSystem::with_smaller_root("files", &config).unwrap())
}

#[test]
fn a_tree_of_files_is_updated_shown_and_rolled_back_together_with_its_set() {
    let device = device();
    let v2 = device.system.release("2.0.0", 2).unwrap();
    let update = "/var/lib/drydock/update.drydock";
    let first = Script::default()
        .then("drydock mark-good")
        .then("show /tmp/program")
        .then(&format!("write {OWN} kept"))
        .save(&v2.bundle, update)
        .unwrap()
        .then(&format!("drydock stage {update}"))
        .then("reboot");
    let mut guest = device.start(Some(&first));
    guest.expect("the tree of `app` for set a", LIMIT).unwrap();
    guest.expect("app of 1.0.0", LIMIT).unwrap();
    guest.expect("is staged as intent 1", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let mut guest = device.start(None);
    guest.expect("the tree of `app` for set b", LIMIT).unwrap();
    guest.expect("commit", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let second = Script::default()
        .then("show /tmp/program")
        .then(&format!("show {OWN}"))
        .then("drydock verify --trees")
        .then("drydock status")
        .then("write /tmp/program overwritten")
        .then(&format!("write {OWN} changed"))
        .then("drydock mark-good")
        .then("drydock rollback")
        .then("reboot");
    let mut guest = device.start(Some(&second));
    guest.expect("app of 2.0.0", LIMIT).unwrap();
    guest.expect("kept", LIMIT).unwrap();
    guest.expect("tree of `app` for set a: 1 files and folders are what was signed", LIMIT).unwrap();
    guest.expect("tree of `app` for set b: 1 files and folders are what was signed", LIMIT).unwrap();
    guest.expect("the tree of app is there", LIMIT).unwrap();
    guest.expect("Read-only file system", LIMIT).unwrap();
    guest.expect("set a is started from the next boot on", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    // As the device left its own files when it ran this set.
    let third = Script::default()
        .then("show /tmp/program")
        .then(&format!("show {OWN}"))
        .then("drydock verify --trees");
    let mut guest = device.start(Some(&third));
    guest.expect("app of 1.0.0", LIMIT).unwrap();
    guest.expect("kept", LIMIT).unwrap();
    guest.expect("tree of `app` for set a: 1 files", LIMIT).unwrap();
    guest.wait_exit(LIMIT).unwrap();
}
