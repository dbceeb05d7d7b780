//! Updates by delta, whose base is read through the kernel's dm-verity.

use crate::device::{Device, LIMIT, Partition, reason, runs, settle};
use drydock_qemu_tests::{Exit, Script, SmallSystem};
use std::fs;

/// A device with version 1 whose next boot installs version 2 from a bundle that has nothing but deltas.
fn staged(name: &str) -> Device {
    let system = SmallSystem::standard().unwrap();
    let v1 = system.release("1.0.0", 1).unwrap();
    let slim = system.slim(&v1, "2.0.0", 2).unwrap();
    let (slim_len, whole_len) = (fs::metadata(&slim).unwrap().len(), fs::metadata(&v1.bundle).unwrap().len());
    assert!(slim_len * 2 < whole_len, "{slim_len} bytes are not much less than {whole_len}");
    Device::after(name, system, &Script::stage(&slim).unwrap())
}

#[test]
fn a_device_updates_itself_from_nothing_but_deltas() {
    let device = staged("delta");
    let mut guest = device.start(None);
    guest.expect("write  root-b", LIMIT).unwrap();
    guest.expect("commit", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let status = settle("delta", &device.disk());
    assert_eq!(runs(&status), ("b", "2.0.0"));
}

#[test]
fn a_base_with_a_damaged_block_is_an_error_of_dm_verity_and_the_old_system_stays() {
    let device = staged("damaged-base");
    // Behind what a boot reads.
    Partition::find(&device.disk(), "root-a").change(|root| {
        let mut bytes = fs::read(root).unwrap();
        bytes[5 << 20..][..4096].fill(0x55);
        fs::write(root, bytes).unwrap();
    });
    let mut guest = device.start(None);
    guest.expect("commit  FAILED", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let status = settle("damaged-base", &device.disk());
    assert_eq!(runs(&status), ("a", "1.0.0"));
    let reason = reason(&status);
    assert!(reason.contains("was left out of this one"), "{reason}");
}
