//! Machines that are other than QEMU's usual one.

use crate::device::{Device, LIMIT, config, runs, status};
use drydock_qemu::{Bus, Disk, Exit, Qemu, SmallSystem};

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
