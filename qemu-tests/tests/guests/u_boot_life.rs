//! The life of a device that U-Boot starts, from an SD card with its environment on it: first boot, update, a kernel that is passed
//! over, an environment that is lost, a factory reset, a rollback by used-up attempts, and a new recovery.

use crate::device::{Device, LIMIT, Partition, config, runs, status};
use drydock_qemu_tests::{DebianKernel, Exit, Script, SmallSystem, UBoot};
use drydock_state::u_boot::{Environment, second_is_newer};
use serde_json::Value;

const SIZE: usize = 0x4000;
const SECOND: usize = 0x1_0000;

fn system(u_boot: &UBoot) -> SmallSystem {
    let layout = format!(
        "[layout]\nbootloader = \"u-boot\"\nu_boot_environment = \"{}\"\n",
        u_boot.environment.display()
    );
    let config = config(&[
        ("[layout]\n", &layout),
        (
            "modules = [\"virtio_pci\", ",
            "modules = [\"sdhci_pci\", \"mmc_block\", \"ext4\", \"virtio_pci\", ",
        ),
        ("recovery_mib = 20", "recovery_mib = 28"),
        ("boot = 20", "boot = 28"),
    ]);
    SmallSystem::with_kernel("u-boot", &config, &DebianKernel::generic().unwrap()).unwrap()
}

/// Boots a set, which marks itself good, and gives its status and what was said.
fn well(device: &Device) -> (Value, String) {
    let mut guest = device.start(None);
    let status = status(&mut guest);
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
    (status, guest.said())
}

fn outcomes(status: &Value, wanted: &str) -> usize {
    status["history"].as_array().unwrap().iter().filter(|entry| entry["outcome"] == wanted).count()
}

/// The environment that counts.
fn environment(device: &Device) -> Environment {
    let bytes = Partition::find(&device.disk(), "bootenv").read();
    let copies = [0, SECOND].map(|at| Environment::decode(&bytes[at..at + SIZE], true));
    match copies {
        [Ok(first), Ok(second)] if second_is_newer(first.flag, second.flag) => second,
        [Ok(first), _] => first,
        [Err(_), second] => second.unwrap(),
    }
}

#[test]
fn a_device_that_u_boot_starts_is_updated_rolled_back_reset_and_mended() {
    let u_boot = UBoot::get(true).unwrap();
    let system = system(&u_boot);
    let v2 = system.release_with_recovery("2.0.0", 2).unwrap();
    let v3 = system.release("3.0.0", 3).unwrap();
    let device = Device::flashed("u-boot-life", system).with_u_boot(&u_boot.rom);
    let disk = device.disk();
    let boot = |script: Option<&Script>| device.run(script, Exit::Reset);

    // First boot, and an update that brings a recovery.
    let said = boot(Some(&Script::stage(&v2.bundle).unwrap()));
    assert!(said.contains("DRYDOCK-TEST-UP set=a"), "{said}");
    let said = boot(None);
    assert!(said.contains("drydock.copy=a drydock.reason=intent"), "{said}");
    let (status, _) = well(&device);
    assert_eq!(runs(&status), ("b", "2.0.0"));
    let said = boot(None);
    assert!(said.contains("the bootloader starts copy b of the recovery next"), "{said}");
    let said = boot(None);
    assert!(said.contains("drydock.copy=b drydock.reason=intent"), "{said}");
    let (status, _) = well(&device);
    assert_eq!((runs(&status), &status["recovery"]["first"]), (("b", "2.0.0"), &"b".into()));
    assert_eq!(outcomes(&status, "recovery-updated"), 1);

    // No copy of the environment is whole: what is built into U-Boot is saved, and recovery tells it again.
    Partition::find(&disk, "bootenv").write(&vec![0; SECOND + SIZE]);
    let said = boot(None);
    assert!(said.contains("bad CRC, using default environment"), "{said}");
    assert!(said.contains("drydock: no valid boot environment"), "{said}");
    assert!(said.contains("drydock.recovery drydock.copy=a drydock.reason=fallback"), "{said}");
    let (status, said) = well(&device);
    assert_eq!(runs(&status), ("b", "2.0.0"));
    assert!(said.contains("Loading Environment from MMC... OK"), "{said}");
    let told = environment(&device);
    assert!(told.get("bootcmd").unwrap().contains("boot.scr"));
    assert_eq!(
        (told.get("dd_order"), told.get("dd_copy"), told.get("dd_b")),
        (Some("ba"), Some("b"), Some("3"))
    );

    // A factory reset.
    let reset = Script::default().then("write /var/secret hush").then("drydock factory-reset").then("reboot");
    boot(Some(&reset));
    let said = boot(None);
    assert!(said.contains("drydock.copy=b drydock.reason=intent"), "{said}");
    let (status, _) = well(&device);
    assert_eq!((runs(&status), outcomes(&status, "reset")), (("b", "2.0.0"), 1));

    // A release that never says that it is well, and is rolled back when its starts are used up.
    boot(Some(&Script::stage(&v3.bundle).unwrap()));
    boot(None);
    for left in ["2", "1", "0"] {
        let said = boot(Some(&Script::default().then("reboot")));
        assert!(said.contains("DRYDOCK-TEST-UP set=a version=3.0.0"), "{said}");
        assert_eq!(environment(&device).get("dd_a"), Some(left));
    }
    let (status, _) = well(&device);
    assert_eq!((runs(&status), outcomes(&status, "rolled-back")), (("b", "2.0.0"), 1));

    // The same release again, and then its kernel is damaged: U-Boot passes it over.
    boot(Some(&Script::stage(&v3.bundle).unwrap()));
    boot(None);
    let (status, _) = well(&device);
    assert_eq!(runs(&status), ("a", "3.0.0"));
    Partition::find(&disk, "boot-a").write(&vec![0x55; 8 << 20]);
    let (status, said) = well(&device);
    assert!(said.contains("drydock: set-a cannot be started"), "{said}");
    assert_eq!(runs(&status), ("b", "2.0.0"));
}
