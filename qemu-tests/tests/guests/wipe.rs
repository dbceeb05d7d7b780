//! Wiping partitions of the small system in each of the ways, and `settle` where no initramfs of drydock's has looked.

use crate::device::{Device, Partition, config, decrypted};
use drydock_qemu_tests::{Exit, Script, SmallSystem, run};
use drydock_state::grub::{ENV_SIZE, decode_env};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

const WIPES: &str = "[[wipe]]\nlabel = \"cache\"\nhow = \"discard\"\n\n[[wipe]]\nlabel = \"keys\"\nhow = \"zero\"\n\n\
                     [[wipe]]\nlabel = \"archive\"\nhow = \"volume\"\n\n\
                     [[wipe]]\nlabel = \"plain\"\nhow = \"volume\"\nencrypted = false\n\n[layout]\n";
const LABELS: [&str; 4] = ["cache", "keys", "archive", "plain"];

/// Adds the partitions that are to be wiped, behind the last one, full of what nobody may see any more.
fn add_partitions(disk: &Path) {
    let len = fs::metadata(disk).unwrap().len() + (132 << 20);
    File::options().write(true).open(disk).unwrap().set_len(len).unwrap();
    run(Command::new("sgdisk").arg("-e").arg(disk)).unwrap();
    for label in LABELS {
        run(Command::new("sgdisk").args(["-n", "0:0:+32M", "-c", &format!("0:{label}")]).arg(disk)).unwrap();
        let partition = Partition::find(disk, label);
        partition.write(&vec![0xa5; partition.len]);
    }
}

#[test]
fn a_wiped_partition_has_nothing_left_of_what_was_on_it() {
    let system = SmallSystem::with_config("wipe", &config(&[("[layout]\n", WIPES)])).unwrap();
    let device = Device::flashed("wipe", system);
    let disk = device.disk();
    add_partitions(&disk);

    for (label, next) in LABELS.iter().zip(LABELS[1..].iter().map(Some).chain([None])) {
        let script = Script::default().then("drydock mark-good").then(&format!("drydock wipe {label}"));
        let said = device.run(Some(&script.then("reboot")), Exit::Reset);
        assert!(said.contains("DRYDOCK-TEST-UP set=a"), "{said}");
        let said = device.run(None, Exit::Reset);
        assert!(said.contains(&format!("`{label}`: wiping")), "{said}");
        // Nothing but the one partition was touched.
        for later in next.iter() {
            assert!(Partition::find(&disk, later).read().iter().all(|byte| *byte == 0xa5), "{later}");
        }
    }
    for label in ["cache", "keys"] {
        assert!(Partition::find(&disk, label).read().iter().all(|byte| *byte == 0), "{label}");
    }
    let [archive, plain] = ["archive", "plain"].map(|label| Partition::find(&disk, label));
    for volume in [&archive, &plain] {
        assert!(!volume.read().windows(64).any(|bytes| bytes == [0xa5; 64]), "old data is left");
    }
    let header = device.path("archive.luks");
    fs::write(&header, archive.read()).unwrap();
    run(Command::new("/sbin/cryptsetup").arg("luksDump").arg(&header)).unwrap();
    let filesystem = device.path("archive.ext4");
    fs::write(&filesystem, decrypted(&disk, "archive")).unwrap();
    run(Command::new("/sbin/e2fsck").arg("-fn").arg(&filesystem)).unwrap();
    fs::write(&filesystem, plain.read()).unwrap();
    run(Command::new("/sbin/e2fsck").arg("-fn").arg(&filesystem)).unwrap();

    settles_without_its_own_initramfs(&device);
}

/// A system that was not started by drydock's initramfs knows its set from the kernel's command line, and makes the
/// environment that the bootloader can't read whole again.
fn settles_without_its_own_initramfs(device: &Device) {
    let env = Partition::find(&device.disk(), "bootenv");
    let place = |bytes: &[u8]| bytes.windows(4).position(|bytes| bytes == b"# GR").unwrap();
    let at = place(&env.read());
    let decode = |bytes: &[u8]| decode_env(&bytes[at..at + ENV_SIZE]);
    let whole = decode(&env.read()).unwrap();

    let script = Script::default().then("drydock mark-good").then("remove /run/drydock/boot.json");
    let script = script.then(&format!("overwrite /dev/vda2 {at} nonsense"));
    device.run(Some(&script.clone().then("poweroff")), Exit::PowerOff);
    assert!(decode(&env.read()).is_err(), "this script damages the environment");
    // The bootloader falls back to recovery, which mends it. When the script damages it again, there is only `settle`.
    device.run(None, Exit::Reset);
    let said = device.run(Some(&script.then("drydock settle").then("poweroff")), Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-RUN drydock settle"), "{said}");
    let settled = decode(&env.read()).unwrap();
    assert_eq!((settled.first, settled.mode, settled.left.a), (whole.first, whole.mode, whole.left.a));
    let said = device.run(Some(&Script::default().then("poweroff")), Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=a"), "{said}");
    assert!(!said.contains("environment"), "the bootloader found nothing wrong: {said}");
}
