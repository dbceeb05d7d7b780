//! A device with EFI Boot Guard and unified kernel images: its whole life, with what goes wrong.

use crate::device::{Device, LIMIT, Partition, config, object};
use drydock_qemu_tests::{Disk, Exit, Firmware, Guest, Qemu, Script, SmallSystem, run};
use drydock_state::efi_boot_guard::Environment;
use serde_json::Value;
use std::process::Command;

struct Unified(Device);

impl Unified {
    fn flashed() -> Self {
        let config = config(&[
            ("menu_seconds = 0", "bootloader = \"efi-boot-guard\""),
            ("disk_mib = 256", "disk_mib = 512"),
            ("recovery_mib = 20", "recovery_mib = 24"),
            ("boot = 20", "boot = 24"),
        ]);
        let system = SmallSystem::with_smaller_root("efi-boot-guard", &config).unwrap();
        Self(Device::flashed("efi-boot-guard", system))
    }

    fn start(&self, script: Option<&Script>) -> Guest {
        let variables = self.0.path("vars.fd");
        let machine = Qemu::new("efi-boot-guard").memory(512).firmware(Firmware::Efi(variables));
        let mut machine = machine.disk(Disk::file(self.0.disk()));
        if let Some(script) = script {
            let path = self.0.path("script.img");
            script.write(&path).unwrap();
            machine = machine.disk(Disk::file(&path).read_only());
        }
        machine.start().unwrap()
    }

    /// Boots up to a reset; gives what was said.
    fn run(&self, script: Option<&Script>) -> String {
        let mut guest = self.start(script);
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
        guest.said()
    }

    /// Boots until this set is up with this version, over some resets at most, and lets the script run in it.
    fn up(&self, script: &Script, set: &str) -> String {
        for _ in 0..4 {
            let said = self.run(Some(script));
            if said.contains("DRYDOCK-TEST-UP") {
                assert!(said.contains(&format!("DRYDOCK-TEST-UP set={set}")), "{said}");
                return said;
            }
        }
        panic!("set {set} did not come up");
    }

    fn bootenv(&self, label: &str) -> Option<Environment> {
        let file = self.0.path("BGENV.DAT");
        let _ = std::fs::remove_file(&file);
        Partition::find(&self.0.disk(), label).change(|fs| {
            let _ = run(Command::new("mcopy").arg("-i").arg(fs).arg("::BGENV.DAT").arg(&file));
        });
        Environment::decode(&std::fs::read(file).ok()?).ok()
    }
}

fn status(said: &str) -> Value {
    object(said.split("DRYDOCK-TEST-RUN drydock status --json").nth(1).unwrap())
}

fn outcomes(status: &Value) -> Vec<&str> {
    status["history"].as_array().unwrap().iter().map(|entry| entry["outcome"].as_str().unwrap()).collect()
}

#[test]
fn a_device_with_efi_boot_guard_lives_through_update_rollback_a_new_recovery_and_damage() {
    let device = Unified::flashed();
    let v2 = device.0.system.release("2.0.0", 2).unwrap();
    let stage = Script::stage(&v2.bundle).unwrap();
    let restart = Script::default().then("reboot");
    let look = Script::default().then("drydock mark-good").then("drydock status --json").then("reboot");

    // First boot, and an update. It never says that it is well, and has one try.
    let said = device.run(Some(&stage));
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");
    let said = device.up(&restart, "b");
    assert!(said.contains("version=2.0.0"), "{said}");
    let said = device.up(&look, "a");
    let now = status(&said);
    assert_eq!(now["sets"]["b"]["status"], "bad", "{now}");
    assert_eq!(outcomes(&now).last(), Some(&"rolled-back"), "{now}");

    // Once more, and it is well. It has brought another recovery, whose new copy proves itself.
    device.run(Some(&stage));
    device.up(&look, "b");
    let now = status(&device.up(&look, "b"));
    assert!(outcomes(&now).contains(&"recovery-updated"), "{now}");
    assert_eq!(device.bootenv("bootenv-2").unwrap().kernel, "C:boot-b:drydock.efi");

    // A kernel that can't be loaded: the firmware has control until somebody, or a watchdog, resets the machine.
    let kernel = Partition::find(&device.0.disk(), "boot-b");
    let whole = kernel.read();
    kernel.write(&[0; 4096]);
    let mut guest = device.start(None);
    guest.expect("Cannot load specified kernel image", LIMIT).unwrap();
    guest.power_cut();
    drop(guest);
    let now = status(&device.up(&look, "a"));
    assert!(outcomes(&now).contains(&"fell-back"), "{now}");
    kernel.write(&whole);

    // What is first is damaged: the other one is started, and process 1 writes both again.
    Partition::find(&device.0.disk(), "bootenv-2").change(|fs| {
        let file = device.0.path("damaged");
        std::fs::write(&file, vec![0; drydock_state::efi_boot_guard::ENV_SIZE]).unwrap();
        run(Command::new("mcopy").args(["-o", "-i"]).arg(fs).arg(&file).arg("::BGENV.DAT")).unwrap();
    });
    device.up(&restart, "a");
    assert_eq!(device.bootenv("bootenv-2").unwrap().kernel, "C:boot-a:drydock.efi");
}
