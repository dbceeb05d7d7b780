//! A device that meets nobody: its key is not there, or its power comes and goes.

use crate::device::{Device, LIMIT, Partition, ext4, runs, settle, status};
use crate::keys;
use drydock_qemu_tests::{Exit, SmallSystem};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_locked_device_stays_says_why_and_goes_on_when_the_key_comes_or_a_reset_is_asked_for() {
    let device = Device::flashed("stay", keys::system());
    let key = device.path("data.key");
    std::fs::write(&key, "key of the stick").unwrap();
    Partition::find(&device.disk(), "data").change(|part| {
        let mut format = Command::new("cryptsetup");
        format.args(["luksFormat", "--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]);
        drydock_qemu_tests::run(format.arg("--key-file").args([&key, part])).unwrap();
        keys::fill(part, b"key of the stick", &device.path("plain.img"));
    });
    ext4(&device.stick(), 8, &[("keys/data.key", b"key of the stick")]);
    let locked = || {
        let port = "pcie-root-port,id=late,chassis=9,slot=9";
        let mut guest = device.machine(None).arg("-device").arg(port).start().unwrap();
        for _ in 0..3 {
            guest.expect("Passphrase for `data`: ", LIMIT).unwrap();
            guest.send("what was it?\n").unwrap();
        }
        guest.expect("`data` stays locked", LIMIT).unwrap();
        guest.expect("this device stays here until that is mended", LIMIT).unwrap();
        guest
    };

    let mut guest = locked();
    let stick = device.stick().to_string_lossy().into_owned();
    let file = json!({"driver": "raw", "node-name": "stick", "read-only": true,
        "file": {"driver": "file", "filename": stick, "read-only": true}});
    guest.monitor("blockdev-add", file).unwrap();
    guest
        .monitor("device_add", json!({"driver": "virtio-blk-pci", "drive": "stick", "bus": "late"}))
        .unwrap();
    guest.expect("`data` is open", LIMIT).unwrap();
    let up = status(&mut guest);
    assert_eq!((runs(&up), &up["running"]["degraded"]), (("a", "1.0.0"), &false.into()));
    assert_eq!(up["sets"]["a"]["attempts_left"], 3, "waiting costs no starts: {up}");
    let history = up["history"].as_array().unwrap();
    let told = history.iter().find(|entry| entry["outcome"] == "not-started").expect("the history tells it");
    assert!(told["reason"].as_str().unwrap().contains("stays locked"), "{told}");
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);

    // Without the stick again, and nobody has it any more.
    let mut guest = locked();
    guest.expect("factory reset: ", LIMIT).unwrap();
    guest.send("reset\n").unwrap();
    guest.expect("ALL DATA ON THIS DEVICE WILL BE LOST", LIMIT).unwrap();
    guest.send("y\n").unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let mut guest = device.start(None);
    guest.expect("all data on this device will be new", LIMIT).unwrap();
    guest.power_cut();
}

#[test]
fn twenty_cuts_of_power_before_process_1_do_not_throw_an_update_away() {
    let device = Device::staged("flapping", SmallSystem::standard().unwrap());
    for cut in 1..=20 {
        let mut guest = device.start(None);
        // The bootloader has counted, and process 1 has not been heard of.
        guest.expect_any(&["drydock.reason=", "drydock.set="], LIMIT).unwrap();
        std::thread::sleep(Duration::from_millis(100 * (cut % 5)));
        guest.power_cut();
        assert!(!guest.said().contains("drydock 0."), "cut {cut} came too late: {}", guest.said());
    }
    let status = settle("flapping", &device.disk());
    assert_eq!(runs(&status), ("b", "2.0.0"), "{status}");
    let failed = status["history"].as_array().unwrap().iter().any(|entry| entry["outcome"] == "failed");
    assert!(!failed, "{status}");
}
