//! Machines that are other than QEMU's usual one.

use crate::device::{Device, LIMIT, Partition, config, runs, status};
use drydock_qemu_tests::{Bus, Disk, Exit, Qemu, Script, SmallSystem, run};
use std::os::unix::fs::FileExt;
use std::process::Command;

/// Boots to a set that is up and whose `data` was made new.
fn comes_up(machine: &Qemu) {
    let mut guest = machine.start().unwrap();
    guest.expect("`data` was blank and is new now", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!((runs(&status), &status["running"]["degraded"]), (("a", "1.0.0"), &false.into()));
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
}

#[test]
fn an_encrypted_volume_is_made_on_a_machine_without_a_random_number_generator() {
    let device = Device::flashed("no-generator", SmallSystem::standard().unwrap());
    comes_up(&device.machine(None).arg("-cpu").arg("max,-erms,-rdrand,-rdseed"));
}

#[test]
fn a_disk_is_found_by_the_bus_of_any_controller_of_its_nvme_subsystem() {
    let config = config(&[
        ("\"drydock-test\"\n", "\"drydock-test\"\n\n[disk]\nbus = \"0000:00:05.0\"\n"),
        ("\"virtio_blk\"", "\"nvme\""),
    ]);
    let device =
        Device::flashed("nvme-subsystem", SmallSystem::with_config("nvme-subsystem", &config).unwrap());
    let drive = Disk::file(device.disk()).bus(Bus::NvmeShared);
    comes_up(&Qemu::new("nvme-subsystem").memory(256).disk(drive));
}

/// With a damaged partition table on the way, and an image beside the root.
#[test]
fn data_in_the_clear_under_another_name_and_at_another_place_is_made_updated_from_and_reset() {
    const PATH: &str = "/tmp/below/v2.drydock";
    let data = "[data]\nlabel = \"store\"\nmount = \"/tmp\"\nencrypted = false\n";
    let app = "[[slot]]\nclass = \"app\"\nrole = \"other\"\n\n[signatures]\n";
    let config = config(&[("[data]\nencrypted = true\n", data), ("[signatures]\n", app)]);
    let system = SmallSystem::with_config("plain", &config).unwrap();
    let v2 = system.release("2.0.0", 2).unwrap();
    let script = Script::default().then("drydock mark-good").save(&v2.bundle, PATH).unwrap();
    let script = script.then(&format!("drydock stage {PATH}")).then("reboot");
    let staged = Device::after("plain", system, &script);
    let store = Partition::find(&staged.disk(), "store");
    let is_sound =
        || store.change(|part| drop(run(Command::new("/sbin/e2fsck").arg("-fn").arg(part)).unwrap()));

    // The last entry of the first partition table, which is not in use, but in the checksum: GRUB does not mind, and the
    // kernel shows no partitions.
    let disk = std::fs::File::options().write(true).open(staged.disk()).unwrap();
    disk.write_all_at(b"x", 1024 + 127 * 128 + 60).unwrap();
    let said = staged.run(None, Exit::Reset);
    assert!(said.contains("the first partition table of vda is damaged"), "{said}");

    let script = Script::default().then("drydock status --json").then("drydock mark-good");
    let script =
        script.then("show /sys/block/dm-1/dm/name").then("show /sys/block/dm-1/ro").then("show /dev/dm-1");
    let script = script.then("write /tmp/secret hush-hush-hush").then("drydock factory-reset").then("reboot");
    let mut guest = staged.start(Some(&script));
    assert_eq!(runs(&status(&mut guest)), ("b", "2.0.0"));
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    for file in ["/sys/block/dm-1/dm/name app", "/sys/block/dm-1/ro 1", "/dev/dm-1 app of 2.0.0"] {
        assert!(guest.said().contains(&format!("DRYDOCK-TEST-FILE {file}")), "{}", guest.said());
    }
    let holds = |text: &[u8]| store.read().windows(text.len()).any(|bytes| bytes == text);
    assert!(holds(b"hush-hush-hush"));
    let said = staged.run(None, Exit::Reset);
    assert!(said.contains("reset  data is new: done"), "{said}");
    assert!(!holds(b"hush-hush-hush"), "it is still on the disk");
    is_sound();
    let said = staged.run(Some(&Script::default().then("show /tmp/secret")), Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-DONE /tmp/secret: No such file"), "{said}");
    is_sound();
}
