//! A device with two serial consoles.

use crate::device::{Device, LIMIT, config};
use drydock_qemu_tests::{Exit, SmallSystem};
use std::fs;

#[test]
fn drydock_speaks_on_every_console_and_all_others_on_the_serial_one_that_is_named_first() {
    let config = config(&[("console=ttyS0,115200 quiet", "console=ttyS0,115200 console=ttyS1,115200")]);
    let system = SmallSystem::with_smaller_root("two-consoles", &config).unwrap();
    let device = Device::flashed("two-consoles", system);
    let second = device.path("second.log");
    let port = format!("file,id=second,path={}", second.display());
    let machine = device.machine(None).arg("-chardev").arg(port).arg("-serial").arg("chardev:second");
    let mut guest = machine.start().unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);

    let first = guest.said();
    let second = String::from_utf8_lossy(&fs::read(&second).unwrap()).into_owned();
    for line in ["drydock 0.", "verify  set a", "hand over  starting /sbin/init of set a"] {
        assert!(first.contains(line) && second.contains(line), "{line}\n{second}");
    }
    // GRUB, the kernel, the live system.
    for line in ["vmlinuz: OK", "Linux version", "DRYDOCK-TEST-UP set=a"] {
        assert!(first.contains(line) && !second.contains(line), "{line}\n{second}");
    }
}
