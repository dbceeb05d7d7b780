//! A device whose firmware always starts one image, with nothing on its command line: process 1 chooses.

use crate::device::{Device, LIMIT, Partition, config, object};
use drydock_qemu_tests::{DebianKernel, Exit, Guest, Script, SmallSystem};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// A device with v1, and the machine that starts its one image.
struct OneImage(Device);

impl OneImage {
    fn flashed() -> Self {
        let boot = "[[slot]]\nclass = \"boot\"\nrole = \"boot\"\n\n";
        let recovery = "[[slot]]\nclass = \"recovery\"\nrole = \"recovery\"\n\n";
        let config = config(&[
            (boot, ""),
            (recovery, ""),
            ("boot = 20, ", ""),
            ("menu_seconds = 0", "bootloader = \"none\""),
            ("[layout]\n", "[boot]\nattempts = 2\n\n[recovery]\nhandover = \"switch-root\"\n\n[layout]\n"),
        ]);
        Self(Device::flashed("no-bootloader", SmallSystem::with_config("no-bootloader", &config).unwrap()))
    }

    fn start(&self, script: Option<&Script>) -> Guest {
        let kernel = DebianKernel::cloud().unwrap();
        let machine = self.0.machine(script);
        machine
            .kernel(kernel.vmlinuz, self.0.system.initramfs(), "console=ttyS0 quiet panic=10")
            .start()
            .unwrap()
    }

    /// Boots up to this end; gives what was said.
    fn run(&self, script: Option<&Script>, end: Exit) -> String {
        let mut guest = self.start(script);
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), end);
        guest.said()
    }
}

#[test]
fn process_one_does_the_work_of_a_bootloader_where_the_firmware_starts_one_image() {
    let device = OneImage::flashed();
    let v2 = device.0.system.release("2.0.0", 2).unwrap();
    let said = device.run(Some(&Script::stage(&v2.bundle).unwrap()), Exit::Reset);
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");

    // The job is done, and the new root is started with the same kernel, which a reset would start as well. It never
    // says that it is well, and has no start left after the second one.
    let restart = Script::default().then("reboot");
    for round in 1..=2 {
        let said = device.run(Some(&restart), Exit::Reset);
        assert!(said.contains("DRYDOCK-TEST-UP set=b version=2.0.0"), "{round}: {said}");
        assert_eq!(said.contains("switching to set b without a reset"), round == 1, "{round}: {said}");
    }
    let status = Script::default().then("drydock mark-good").then("drydock status --json").then("reboot");
    let said = device.run(Some(&status), Exit::Reset);
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");
    let status = object(said.split("DRYDOCK-TEST-RUN drydock status --json").nth(1).unwrap());
    let last = status["history"].as_array().unwrap().last().unwrap();
    assert_eq!((&status["sets"]["b"]["status"], &last["outcome"]), (&"bad".into(), &"rolled-back".into()));

    // What process 1 has counted is gone: it counts on nothing, and recovery writes it again.
    let bootenv = Partition::find(&device.0.disk(), "bootenv");
    let at = find(&bootenv.read(), b"# GRUB Environment Block");
    bootenv.change(|file| {
        File::options().write(true).open(file).unwrap().write_all_at(&[0; 512], at as u64).unwrap();
    });
    let said = device.run(Some(&restart), Exit::Reset);
    assert!(said.contains("switching to set a without a reset"), "{said}");
    assert_eq!(find(&bootenv.read(), b"# GRUB Environment Block"), at);

    let said = device.run(
        Some(&Script::default().then("write /var/lib/mine 1").then("drydock factory-reset").then("reboot")),
        Exit::Reset,
    );
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");

    let said =
        device.run(Some(&Script::default().then("show /var/lib/mine").then("poweroff")), Exit::PowerOff);
    assert!(
        said.contains("DRYDOCK-TEST-UP set=a version=1.0.0")
            && said.contains("DRYDOCK-TEST-DONE /var/lib/mine: No such file"),
        "{said}"
    );
}

fn find(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).position(|window| window == text).unwrap()
}
