//! A small system on another processor: QEMU's machine for arm64 with EFI firmware, GRUB and Debian's kernel. `make test-arm64`
//! runs it, after `tools/setup-foreign.sh`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_architecture::Architecture;
use drydock_qemu_tests::{Disk, Exit, Firmware, Guest, Qemu, Script, SmallSystem, foreign_config, run};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The limit of every wait. Firmware, GRUB and kernel take three times as long to emulate as those of the reference device.
const LIMIT: Duration = Duration::from_secs(300);

const SECRET: &str = "/var/secret";

/// A device with what its firmware remembers.
struct Device {
    folder: tempfile::TempDir,
    system: SmallSystem,
}

impl Device {
    /// One that has been flashed with v1 and was never started.
    fn flashed() -> Self {
        let config = foreign_config(Architecture::Aarch64, "grub-efi", "[boot]\nattempts = 1");
        let system = SmallSystem::foreign("arm64", &config, Architecture::Aarch64).unwrap();
        let device = Self { folder: tempfile::tempdir().unwrap(), system };
        device.system.flash(&device.system.release("1.0.0", 1).unwrap(), &device.disk()).unwrap();
        device
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    /// Starts it, with a script for the set that comes up.
    fn start(&self, script: Option<&Script>) -> Guest {
        let variables = Firmware::Efi(self.folder.path().join("vars.fd"));
        let machine = Qemu::new("arm64").architecture(Architecture::Aarch64).cpus(1).firmware(variables);
        let machine = machine.disk(Disk::file(self.disk()));
        let Some(script) = script else { return machine.start().unwrap() };
        let path = self.folder.path().join("script.img");
        script.write(&path).unwrap();
        machine.disk(Disk::file(path).read_only()).start().unwrap()
    }

    /// Starts what is next, which is to say this and to end so; returns all that was said.
    fn run(&self, script: Option<&Script>, said: &str, end: Exit) -> String {
        let mut guest = self.start(script);
        guest.expect(said, LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), end);
        guest.said()
    }
}

/// From a flashed disk through an update to v2, one to v3 that is never marked good, the way back to v2, and a factory reset.
#[test]
fn a_device_with_efi_makes_data_updates_rolls_back_and_is_reset() {
    const V2: &str = "DRYDOCK-TEST-UP set=b version=2.0.0";
    let device = Device::flashed();
    let [v2, v3] =
        [("2.0.0", 2), ("3.0.0", 2)].map(|(version, n)| device.system.release(version, n).unwrap());

    let said = device.run(Some(&Script::stage(&v2.bundle).unwrap()), "is staged as intent 1", Exit::Reset);
    assert!(said.contains("`data` was blank and is new now"), "{said}");
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");
    device.run(None, "commit  trailers, state and boot environment: done", Exit::Reset);

    let said = device.run(Some(&Script::stage(&v3.bundle).unwrap()), V2, Exit::Reset);
    assert!(said.contains("is staged as intent 2"), "{said}");
    device.run(None, "commit  trailers, state and boot environment: done", Exit::Reset);

    // It has one start, and does not say that it is well.
    let v3 = Script::default().then(&format!("write {SECRET} hush")).then("reboot");
    device.run(Some(&v3), "DRYDOCK-TEST-UP set=a version=3.0.0", Exit::Reset);
    let back = Script::default().then(&format!("show {SECRET}")).then("drydock status");
    let said = device.run(Some(&back.then("drydock factory-reset").then("reboot")), V2, Exit::Reset);
    assert!(said.contains(&format!("DRYDOCK-TEST-FILE {SECRET} hush")), "{said}");

    device.run(None, "reset  data is new: done", Exit::Reset);
    let said = device.run(Some(&Script::default().then(&format!("show {SECRET}"))), V2, Exit::PowerOff);
    assert!(said.contains(&format!("DRYDOCK-TEST-DONE {SECRET}: No such file")), "{said}");

    // What an arm64 has made is LUKS to others, too.
    let data = device.folder.path().join("data.img");
    std::fs::write(&data, partition(&device.disk(), "data")).unwrap();
    run(Command::new("/sbin/cryptsetup").arg("luksDump").arg(&data)).unwrap();
}

/// The bytes of a partition.
fn partition(disk: &std::path::Path, label: &str) -> Vec<u8> {
    let table = run(Command::new("sgdisk").arg("-p").arg(disk)).unwrap();
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.last() == Some(&label)).unwrap();
    let [first, last]: [usize; 2] = [1, 2].map(|column: usize| row[column].parse().unwrap());
    std::fs::read(disk).unwrap()[first * 512..(last + 1) * 512].to_vec()
}
