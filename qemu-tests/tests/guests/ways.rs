//! What goes another way than usual: the hand-over without a reset, media that are pulled out or can't be used, a disk
//! that takes no writes.

use crate::device::{Device, LIMIT, Partition, config, ext4, reason, runs, settle, status};
use drydock_qemu_tests::{Bus, Disk, Exit, Qemu, Script, SmallSystem};
use serde_json::json;
use std::fs;

/// Hands over by `switch_root` where that may be, and waits for media no longer than a test should.
fn system() -> SmallSystem {
    let handover = "[recovery]\nhandover = \"switch-root\"\nmedium_wait_seconds = 15\n\n[data]";
    SmallSystem::with_config("ways", &config(&[("[data]", handover)])).unwrap()
}

#[test]
fn recovery_becomes_the_new_set_without_a_reset_but_only_one_of_its_own_release() {
    let system = system();
    let (v1, v2) = (system.release("1.0.0", 1).unwrap(), system.release("2.0.0", 2).unwrap());
    // The recovery is of v1, so v1 is installed in set b, too.
    let staged = Device::after("switch", system, &Script::stage(&v1.bundle).unwrap());

    // Before the new system marks itself good, it says how many starts it has left.
    const PATH: &str = "/var/lib/drydock/v2.drydock";
    let script = Script::default().then("drydock status --json").then("drydock mark-good");
    // Recovery sees nothing of what is mounted below `/var`.
    let script = script.then("mount tmpfs tmpfs /var/volatile").then("write /var/volatile/u x");
    let script = script.then("drydock stage /var/volatile/u");
    let script = script.save(&v2.bundle, PATH).unwrap().then(&format!("drydock stage {PATH}")).then("reboot");
    let mut guest = staged.start(Some(&script));
    guest.expect("switching to set b without a reset", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(runs(&status), ("b", "1.0.0"));
    assert_eq!((&status["trial"], &status["sets"]["b"]["attempts_left"]), (&json!("b"), &json!(2)));
    guest.expect("on the tmpfs at /var/volatile, which is not the data volume", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-DONE 1", LIMIT).unwrap();
    guest.expect("is staged as intent 2", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let mut guest = staged.start(None);
    guest.expect("of another release than the new set", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert_eq!(runs(&settle("switch", &staged.disk())), ("a", "2.0.0"));
}

#[test]
fn a_medium_that_is_pulled_out_leaves_the_old_system_with_the_reason() {
    let staged = Device::staged_on_stick("pulled-out", system());
    let old_slots = || ["boot-a", "root-a"].map(|label| Partition::find(&staged.disk(), label).read());
    let before = old_slots();

    // The medium is so slow that it takes seconds to read the bundle.
    let group = json!({"qom-type": "throttle-group", "id": "slow", "limits": {"bps-read": 3 << 20}});
    let node = json!({
        "driver": "throttle", "throttle-group": "slow", "node-name": "stick", "read-only": true,
        "file": {"driver": "file", "filename": staged.stick(), "read-only": true}
    });
    let mut guest = staged
        .machine(None)
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
fn a_medium_that_stops_answering_leaves_the_old_system_with_the_reason() {
    let staged = Device::staged_on_stick("pulled", system());

    // From here on the medium answers with errors in the middle of the bundle.
    let file = json!({
        "driver": "file", "filename": staged.stick(), "node-name": "file", "read-only": true
    });
    let sectors = [12, 16, 20].map(|mib: u64| mib << 11);
    let errors = sectors.map(|sector| json!({"event": "none", "iotype": "read", "sector": sector}));
    let debug = json!({
        "driver": "blkdebug", "image": "file", "node-name": "stick", "read-only": true, "inject-error": errors
    });
    let qemu = staged.machine(None).arg("-blockdev").arg(file.to_string());
    let qemu = qemu.arg("-blockdev").arg(debug.to_string()).disk(Disk::node("stick").read_only());
    let mut guest = qemu.start().unwrap();
    guest.expect("commit  FAILED", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(runs(&status), ("a", "1.0.0"));
    let reason = reason(&status);
    assert!(reason.contains("v2.drydock on /dev/vdb: ") && reason.contains("error"), "{reason}");
}

#[test]
fn on_a_disk_that_takes_no_writes_the_last_good_set_runs_with_data_to_read() {
    let device = Device::flashed("read-only", system());
    // The first boot makes `data`.
    let mut guest = device.start(None);
    status(&mut guest);
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);

    // One disk says that it is read-only, the other one fails at every write.
    let (disk, worn) = (device.disk(), device.copy("worn.img"));
    let file = json!({"driver": "file", "filename": worn, "node-name": "file"});
    let errors = json!([{"event": "none", "iotype": "write"}]);
    let debug = json!({"driver": "blkdebug", "image": "file", "node-name": "worn", "inject-error": errors});
    let failing = drydock_qemu_tests::Qemu::new("worn").memory(256).disk(Disk::node("worn"));
    let failing = failing.arg("-blockdev").arg(file.to_string()).arg("-blockdev").arg(debug.to_string());
    let says_so = drydock_qemu_tests::Qemu::new("read-only").memory(256).disk(Disk::file(&disk).read_only());
    let before = [&disk, &worn].map(|disk| fs::read(disk).unwrap());
    let script = device.path("degraded.img");
    let stage = Script::default().then("drydock stage /var/lib/drydock/machine-id");
    stage.then("drydock status --json").write(&script).unwrap();
    std::thread::scope(|scope| {
        for qemu in [failing, says_so] {
            let qemu = qemu.disk(Disk::file(&script).read_only());
            scope.spawn(move || {
                let mut guest = qemu.start().unwrap();
                guest.expect("starting set a from here", LIMIT).unwrap();
                guest.expect("is mounted read-only", LIMIT).unwrap();
                guest.expect("this boot is degraded", LIMIT).unwrap();
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
    let v2 = system.release("2.0.0", 2).unwrap();
    let device = Device::flashed("no-set", system);
    ext4(&device.stick(), 64, &[("rescue.drydock", &std::fs::read(&v2.bundle).unwrap())]);
    Partition::find(&device.disk(), "root-a").change(|root| {
        let mut bytes = std::fs::read(root).unwrap();
        let footer = bytes.len() - 4096;
        bytes[footer..].fill(0x55);
        std::fs::write(root, bytes).unwrap();
    });

    assert_eq!(device.start(None).wait_exit(LIMIT).unwrap(), Exit::Reset, "set a can't be started");
    let mut guest = device.start(None);
    guest.expect("no set is bootable", LIMIT).unwrap();
    guest.expect("next try in 10 s", LIMIT).unwrap();
    guest.expect("no set is bootable", LIMIT).unwrap();
    guest.expect("next try in 20 s", LIMIT).unwrap();
    drop(guest);

    // Media that can't be used come before the one that can: noise, a bundle that nobody has signed, and one that is
    // damaged where only writing it finds that.
    let bundle = std::fs::read(&v2.bundle).unwrap();
    let bad = ["noise", "unsigned", "damaged"].map(|name| device.path(name));
    std::fs::write(&bad[0], vec![0xa5; 1 << 20]).unwrap();
    for (stick, at) in [(&bad[1], 600), (&bad[2], bundle.len() * 3 / 4)] {
        let mut bundle = bundle.clone();
        bundle[at] ^= 1;
        ext4(stick, 64, &[("rescue.drydock", &bundle)]);
    }
    let with = |machine: Qemu, stick: &std::path::Path| machine.disk(Disk::file(stick).read_only());
    let machine = bad.iter().chain([&device.stick()]).fold(device.machine(None), |all, one| with(all, one));
    let mut guest = machine.start().unwrap();
    guest.expect("no set is bootable", LIMIT).unwrap();
    for bad in
        ["rescue.drydock on /dev/vdb: ", "rescue.drydock on /dev/vdc: ", "rescue.drydock on /dev/vdd: "]
    {
        guest.expect(bad, LIMIT).unwrap();
    }
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert_eq!(runs(&settle("no-set", &device.disk())), ("b", "2.0.0"));
}
