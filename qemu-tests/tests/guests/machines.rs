//! Machines that are other than QEMU's usual one.

use crate::device::{Device, LIMIT, Partition, config, runs, settle, status};
use drydock_qemu::{Bus, Disk, Exit, Qemu, Script, SmallSystem};

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

#[test]
fn a_data_volume_of_another_name_at_another_place_is_made_and_updated_from() {
    const PATH: &str = "/tmp/below/v2.drydock";
    let config = config(&[("[data]\n", "[data]\nlabel = \"store\"\nmount = \"/tmp\"\n")]);
    let system = SmallSystem::with_config("elsewhere", &config).unwrap();
    let v2 = system.release("2.0.0", 2).unwrap();
    let script = Script::default().then("drydock mark-good").save(&v2.bundle, PATH).unwrap();
    let script = script.then(&format!("drydock stage {PATH}")).then("reboot");
    let staged = Device::after("elsewhere", system, &script);
    assert!(Partition::find(&staged.disk(), "store").read().starts_with(b"LUKS\xba\xbe"));
    assert_eq!(runs(&settle("elsewhere", &staged.disk())), ("b", "2.0.0"));
}
