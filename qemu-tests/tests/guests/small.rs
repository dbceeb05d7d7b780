//! The small system's images, and a whole update of it.

use crate::device::{Device, LIMIT, status};
use drydock_qemu_tests::{Exit, Script, SmallSystem};

/// In MiB: what docs/initramfs.md says that this kernel and this configuration need.
const LEAST_MEMORY: u32 = 112;

#[test]
fn a_flashed_system_updates_itself_to_the_other_set_in_the_least_memory() {
    let system = SmallSystem::standard().unwrap();
    let (v1, v2) = (system.release("1.0.0", 1).unwrap(), system.release("2.0.0", 2).unwrap());
    assert_ne!(v1.root_hash, v2.root_hash);
    let device = Device::flashed("small", system);

    let stage = Script::stage(&v2.bundle).unwrap();
    let mut guest = device.machine(Some(&stage)).memory(LEAST_MEMORY).start().unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let said = guest.said();
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");

    let machine = device.machine(None).memory(LEAST_MEMORY);
    assert_eq!(machine.start().unwrap().wait_exit(LIMIT).unwrap(), Exit::Reset);

    let mut guest = machine.start().unwrap();
    guest.expect("DRYDOCK-TEST-UP set=b version=2.0.0", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(status["running"]["root_hash"], v2.root_hash);
    assert_eq!(status["sets"]["b"]["status"], "good");
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
}
