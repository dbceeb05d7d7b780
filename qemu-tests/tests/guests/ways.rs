//! What goes another way than usual: the hand-over without a reset, a medium that is pulled out, a disk that takes
//! no writes.

use crate::device::{
    LIMIT, Partition, Staged, boot, config, copy_disk, ext4, machine, reason, runs, settle, status,
};
use drydock_qemu::{Bus, Disk, Exit, Script, SmallSystem};
use serde_json::json;
use std::fs;

/// Hands over by `switch_root` where that may be.
fn system() -> SmallSystem {
    let handover = "[recovery]\nhandover = \"switch-root\"\n\n[data]";
    SmallSystem::with_config("ways", &config(&[("[data]", handover)])).unwrap()
}

#[test]
fn recovery_becomes_the_new_set_without_a_reset_but_only_one_of_its_own_release() {
    let system = system();
    let folder = tempfile::tempdir().unwrap();
    let script_disk = folder.path().join("script.img");
    let (v1, v2) = (system.release("1.0.0", 1).unwrap(), system.release("2.0.0", 2).unwrap());
    // The recovery is of v1, so v1 is installed in set b, too.
    let staged = Staged::with_script("switch", system, &Script::stage(&v1.bundle).unwrap(), &[]);

    // Before the new system marks itself good, it says how many starts it has left.
    const PATH: &str = "/var/lib/drydock/v2.drydock";
    let script = Script::default().then("drydock status --json").then("drydock mark-good");
    let script = script.save(&v2.bundle, PATH).unwrap().then(&format!("drydock stage {PATH}")).then("reboot");
    script.write(&script_disk).unwrap();
    let mut guest =
        machine("switch", &staged.disk()).disk(Disk::file(&script_disk).read_only()).start().unwrap();
    guest.expect("switching to set b without a reset", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(runs(&status), ("b", "1.0.0"));
    assert_eq!((&status["trial"], &status["sets"]["b"]["attempts_left"]), (&json!("b"), &json!(2)));
    guest.expect("is staged as intent 2", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let mut guest = boot("switch", &staged.disk());
    guest.expect("of another release than the new set", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert_eq!(runs(&settle("switch", &staged.disk())), ("a", "2.0.0"));
}

#[test]
fn a_medium_that_is_pulled_out_leaves_the_old_system_with_the_reason() {
    let system = system();
    let v2 = system.release("2.0.0", 2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("stick.img");
    ext4(&stick, 64, &[("v2.drydock", &fs::read(&v2.bundle).unwrap())]);
    let script =
        Script::default().then("drydock mark-good").then("drydock stage --medium v2.drydock").then("reboot");
    let staged = Staged::with_script("pulled-out", system, &script, &[&stick]);
    let old_slots = || ["boot-a", "root-a"].map(|label| Partition::find(&staged.disk(), label).read());
    let before = old_slots();

    // The medium is so slow that it takes seconds to read the bundle.
    let group = json!({"qom-type": "throttle-group", "id": "slow", "limits": {"bps-read": 3 << 20}});
    let node = json!({
        "driver": "throttle", "throttle-group": "slow", "node-name": "stick", "read-only": true,
        "file": {"driver": "file", "filename": stick, "read-only": true}
    });
    let mut guest = machine("pulled-out", &staged.disk())
        .arg("-object")
        .arg(group.to_string())
        .arg("-blockdev")
        .arg(node.to_string())
        .disk(Disk::node("stick").bus(Bus::VirtioPort))
        .start()
        .unwrap();
    guest.expect("write  boot-b", LIMIT).unwrap();
    guest.unplug(1).unwrap();
    guest.expect("commit  FAILED", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(runs(&status), ("a", "1.0.0"));
    assert!(before == old_slots(), "the old set was written to");
    assert_eq!(status["sets"]["b"]["status"], "empty");
    let reason = reason(&status);
    assert!(reason.contains("Input/output error"), "{reason}");
}

#[test]
fn on_a_disk_that_takes_no_writes_the_last_good_set_runs_with_data_to_read() {
    let system = system();
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    system.flash(&system.release("1.0.0", 1).unwrap(), &disk).unwrap();
    // The first boot makes `data`.
    let mut guest = boot("read-only", &disk);
    status(&mut guest);
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);

    // One disk says that it is read-only, the other one fails at every write.
    let worn = folder.path().join("worn.img");
    copy_disk(&disk, &worn);
    let file = json!({"driver": "file", "filename": worn, "node-name": "file"});
    let errors = json!([{"event": "none", "iotype": "write"}]);
    let debug = json!({"driver": "blkdebug", "image": "file", "node-name": "worn", "inject-error": errors});
    let failing = drydock_qemu::Qemu::new("worn").memory(256).disk(Disk::node("worn"));
    let failing = failing.arg("-blockdev").arg(file.to_string()).arg("-blockdev").arg(debug.to_string());
    let says_so = drydock_qemu::Qemu::new("read-only").memory(256).disk(Disk::file(&disk).read_only());
    let before = [&disk, &worn].map(|disk| fs::read(disk).unwrap());
    std::thread::scope(|scope| {
        for qemu in [failing, says_so] {
            scope.spawn(move || {
                let mut guest = qemu.start().unwrap();
                guest.expect("starting set a from here", LIMIT).unwrap();
                guest.expect("is mounted read-only", LIMIT).unwrap();
                let status = status(&mut guest);
                assert_eq!(runs(&status), ("a", "1.0.0"));
                assert_eq!(status["running"]["degraded"], true);
                assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
            });
        }
    });
    assert!(before == [&disk, &worn].map(|disk| fs::read(disk).unwrap()), "a disk was written to");
}

#[test]
fn a_device_without_a_bootable_set_stays_in_recovery_until_a_medium_mends_it() {
    let config = config(&[(
        "[layout]\n",
        "[recovery]\nmedium_wait_seconds = 2\n\n[boot]\nattempts = 1\n\n[layout]\n",
    )]);
    let system = SmallSystem::with_config("no-set", &config).unwrap();
    let (v1, v2) = (system.release("1.0.0", 1).unwrap(), system.release("2.0.0", 2).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (disk, stick) = (folder.path().join("disk.img"), folder.path().join("stick.img"));
    system.flash(&v1, &disk).unwrap();
    ext4(&stick, 64, &[("rescue.drydock", &std::fs::read(&v2.bundle).unwrap())]);
    Partition::find(&disk, "root-a").change(|root| {
        let mut bytes = std::fs::read(root).unwrap();
        let footer = bytes.len() - 4096;
        bytes[footer..].fill(0x55);
        std::fs::write(root, bytes).unwrap();
    });

    assert_eq!(boot("no-set", &disk).wait_exit(LIMIT).unwrap(), Exit::Reset, "set a can't be started");
    let mut guest = boot("no-set", &disk);
    guest.expect("no set is bootable", LIMIT).unwrap();
    guest.expect("next try in 10 s", LIMIT).unwrap();
    guest.expect("no set is bootable", LIMIT).unwrap();
    guest.expect("next try in 20 s", LIMIT).unwrap();
    drop(guest);

    let mut guest = machine("no-set", &disk).disk(Disk::file(&stick).read_only()).start().unwrap();
    guest.expect("no set is bootable", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert_eq!(runs(&settle("no-set", &disk)), ("b", "2.0.0"));
}
