//! A tree of files: made at the first start, updated beside the one that runs, shown by process 1, and back with its set. And
//! files that are carried from root to root.

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

#[test]
fn a_tree_on_a_partition_of_its_own_is_made_updated_and_new_after_a_reset() {
    let tree = "[[tree]]\nclass = \"app\"\npartition = \"apps\"\nmount = \"/tmp\"";
    let class = format!("[[slot]]\nclass = \"app\"\nrole = \"files\"\n\n{tree}\n\n[signatures]");
    let config = config(&[("[signatures]", &class), ("root = 20 }", "root = 20, app = 1, apps = 24 }")]);
    let device = Device::flashed("apps", SmallSystem::with_smaller_root("apps", &config).unwrap());
    let v2 = device.system.release("2.0.0", 2).unwrap();
    let update = "/var/lib/drydock/update.drydock";
    let first = Script::default()
        .then("drydock mark-good")
        .then("show /tmp/current/program")
        .then("write /tmp/current/own kept")
        .save(&v2.bundle, update)
        .unwrap()
        .then(&format!("drydock stage {update}"))
        .then("reboot");
    let said = device.run(Some(&first), Exit::Reset);
    assert!(said.contains("app of 1.0.0") && said.contains("is staged as intent 1"), "{said}");
    let said = device.run(None, Exit::Reset);
    assert!(said.contains("the tree of `app` for set b"), "{said}");
    let second = Script::default()
        .then("drydock mark-good")
        .then("show /tmp/current/program")
        .then("show /tmp/current/own")
        .then("drydock verify --trees")
        .then("drydock factory-reset")
        .then("reboot");
    let said = device.run(Some(&second), Exit::Reset);
    assert!(said.contains("app of 2.0.0"), "{said}");
    assert!(said.contains("DRYDOCK-TEST-FILE /tmp/current/own kept"), "{said}");
    assert!(said.contains("tree of `app` for set b: 1 files"), "{said}");
    device.run(None, Exit::Reset);
    let third = Script::default().then("show /tmp/current/own").then("show /tmp/current/program");
    let said = device.run(Some(&third), Exit::PowerOff);
    assert!(said.contains("/tmp/current/own: No such file") && said.contains("app of 2.0.0"), "{said}");
}

/// What the live system writes into the layer of its set, and where it sees that.
const LAYER: &str = "/var/lib/drydock/trees/root/current";

#[test]
fn what_is_carried_lies_over_the_next_root_goes_back_with_its_set_and_is_lost_at_a_reset() {
    let config = config(&[
        (
            "class = \"root\"\nrole = \"root\"",
            "class = \"root\"\nrole = \"root\"\ncarry = [\"etc/version\", \"etc/own/*\"]",
        ),
        ("\"erofs\"]", "\"erofs\", \"overlay\"]"),
    ]);
    let device = Device::flashed("carried", SmallSystem::with_smaller_root("carried", &config).unwrap());
    let v2 = device.system.release("2.0.0", 2).unwrap();
    let update = "/var/lib/drydock/update.drydock";
    let first = Script::default()
        .then("drydock mark-good")
        .then("show /etc/version")
        .then(&format!("write {LAYER}/etc/own/name pump-0815"))
        .then(&format!("write {LAYER}/etc/passwd evil"))
        .save(&v2.bundle, update)
        .unwrap()
        .then(&format!("drydock stage {update}"))
        .then("reboot");
    let said = device.run(Some(&first), Exit::Reset);
    assert!(said.contains("DRYDOCK-TEST-FILE /etc/version 1.0.0"), "{said}");
    assert!(said.contains("is staged as intent 1"), "{said}");
    let said = device.run(None, Exit::Reset);
    assert!(said.contains("4 files and folders are carried over to set b"), "{said}");

    let second = Script::default()
        .then("show /etc/version")
        .then("show /etc/own/name")
        .then("show /etc/passwd")
        .then("drydock status")
        .then("write /etc/own/name overwritten")
        .then(&format!("write {LAYER}/etc/own/name changed"))
        .then("drydock mark-good")
        .then("drydock rollback")
        .then("reboot");
    let said = device.run(Some(&second), Exit::Reset);
    // The old root's file, over a root of the new release.
    assert!(said.contains("DRYDOCK-TEST-FILE /etc/version 1.0.0"), "{said}");
    assert!(said.contains("2.0.0"), "{said}");
    assert!(said.contains("DRYDOCK-TEST-FILE /etc/own/name pump-0815"), "{said}");
    assert!(said.contains("/etc/passwd: No such file"), "{said}");
    assert!(said.contains("/etc/own/name: Read-only file system"), "{said}");

    let third = Script::default()
        .then("show /etc/version")
        .then("show /etc/own/name")
        .then("show /etc/passwd")
        .then("drydock factory-reset")
        .then("reboot");
    let said = device.run(Some(&third), Exit::Reset);
    assert!(said.contains("what is carried is not as `carry` allows it"), "{said}");
    assert!(said.contains("DRYDOCK-TEST-FILE /etc/own/name pump-0815"), "{said}");
    assert!(said.contains("/etc/passwd: No such file"), "{said}");

    let said = device.run(None, Exit::Reset);
    assert!(said.contains("data is new"), "{said}");
    let said = device
        .run(Some(&Script::default().then("show /etc/own/name").then("show /etc/version")), Exit::PowerOff);
    assert!(said.contains("/etc/own/name: No such file"), "{said}");
    assert!(said.contains("DRYDOCK-TEST-FILE /etc/version 1.0.0"), "{said}");
}
