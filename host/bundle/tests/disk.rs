//! `drydock-bundle disk`, looked at with other people's tools: sgdisk, fsck.fat, mtools, veritysetup, GRUB's own. That
//! the disk starts is shown in qemu-tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::factory::{
    BIOS, DISK, EFI, EFI_4096, bundle, configure, erofs, factory, make, place, section, squashfs, tool,
};
use drydock_block::read_vec;
use drydock_fixtures::{noise, output, sh};
use drydock_format::trailer;
use drydock_state::grub::Grub;
use drydock_state::{Bootloader, Mode, Opened, Outcome, SetName, SetStatus, Store};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

#[test]
fn the_factory_partition_carries_the_bundle_and_refuses_one_that_is_too_large() {
    let dir = factory(&format!("{BIOS}\nfactory_mib = 2"));
    let disk = make(dir.path(), "");
    let whole = fs::read(dir.path().join("v1.drydock")).unwrap();
    let found =
        read_vec(&section(dir.path(), &disk, "factory"), 0, whole.len().next_multiple_of(512)).unwrap();
    assert_eq!(found[..whole.len()], whole);
    erofs(dir.path(), "root.img", &noise(4 << 20, 1));
    bundle(dir.path(), "acme-pump", "--image root=root.img --image boot=boot.img");
    let said = output(dir.path(), &format!("{} {DISK}", tool()));
    assert!(String::from_utf8_lossy(&said.stdout).contains("layout.factory_mib"), "{said:?}");
}

#[test]
fn the_partition_table_is_valid_and_in_the_stated_order() {
    let dir = factory(BIOS);
    let disk = make(dir.path(), "");
    let said = sh(dir.path(), "sgdisk -v disk.img");
    assert!(said.contains("No problems found"), "{said}");
    let labels: Vec<_> = disk["partitions"].as_array().unwrap().iter().map(|p| p["label"].clone()).collect();
    let order = "bios bootenv state stash recovery-a recovery-b boot-a boot-b root-a root-b data";
    assert_eq!(labels, order.split(' ').collect::<Vec<_>>());
    let root = sh(dir.path(), "sgdisk -i 9 disk.img");
    for wanted in ["4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "9000000000000000", "'root-a'"] {
        assert!(root.contains(wanted), "{wanted} in {root}");
    }
    let bios = sh(dir.path(), "sgdisk -i 1 disk.img");
    assert!(bios.contains("21686148-6449-6E6F-744E-656564454649"), "{bios}");
    // Boot code, one protective entry over the rest of the disk, signature.
    let image = fs::read(dir.path().join("disk.img")).unwrap();
    assert!(image[0] != 0 && image[446 + 4] == 0xee && image[510..512] == [0x55, 0xaa]);
    assert_eq!(image[446 + 12..446 + 16], (image.len() as u32 / 512 - 1).to_le_bytes());
}

#[test]
fn the_root_slots_type_is_that_of_the_devices_processor() {
    let dir = factory("architecture = \"aarch64\"\nbootloader = \"none\"");
    make(dir.path(), "");
    let root = sh(dir.path(), "sgdisk -i 9 disk.img");
    assert!(root.contains("B921B045-1DF0-41C3-AF44-4C6F280D3FAE"), "{root}");
    assert!(root.contains("'root-a'"), "{root}");
}

#[test]
fn grubs_modules_may_be_unpacked_anywhere_and_where_they_are_missing_is_said() {
    let dir = factory(BIOS);
    make(dir.path(), "");
    let usual = fs::read(dir.path().join("disk.img")).unwrap();
    sh(dir.path(), "mkdir unpacked && cp -r /usr/lib/grub/i386-pc unpacked && rm disk.img");
    make(dir.path(), "--grub-modules unpacked");
    assert!(fs::read(dir.path().join("disk.img")).unwrap() == usual, "another disk");

    // Modules of this machine's kind are of no use to the other.
    configure(dir.path(), "architecture = \"aarch64\"\nbootloader = \"grub-efi\"", "");
    let said = output(dir.path(), &format!("{} {DISK} --grub-modules unpacked", tool()));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    for words in ["unpacked/arm64-efi is missing", "grub-efi-arm64-bin", "--grub-modules"] {
        assert!(said.contains(words), "{words} in {said}");
    }
}

#[test]
fn the_filesystems_are_clean_and_hold_one_sector_of_environment() {
    for layout in [BIOS, EFI, EFI_4096] {
        let dir = factory(layout);
        let disk = make(dir.path(), "");
        for label in ["bootenv", "esp"] {
            if layout == BIOS && label == "esp" {
                continue;
            }
            let (start, size) = place(&disk, label);
            let mib = |bytes: u64| bytes >> 20;
            let cut = format!("dd if=disk.img of={label} bs=1M skip={} count={}", mib(start), mib(size));
            sh(dir.path(), &cut);
            sh(dir.path(), &format!("fsck.fat -n {label}"));
        }
        sh(dir.path(), "mcopy -i bootenv ::grubenv .");
        let block = fs::read(dir.path().join("grubenv")).unwrap();
        assert_eq!(block.len(), 512);
        let listed = sh(dir.path(), "grub-editenv grubenv list");
        assert!(listed.contains("dd_order=ab\ndd_mode=n\ndd_a=5\ndd_b=0\n"), "{listed}");
        if layout != BIOS {
            sh(dir.path(), "mcopy -i esp ::EFI/BOOT/BOOTX64.EFI .");
            assert!(fs::read(dir.path().join("BOOTX64.EFI")).unwrap().starts_with(b"MZ"));
        }
    }
}

#[test]
fn slots_prove_themselves_and_the_state_knows_them() {
    let dir = factory(BIOS);
    let disk = make(dir.path(), "");
    let info: Value =
        serde_json::from_str(&sh(dir.path(), &format!("{} --json info v1.drydock", tool()))).unwrap();
    for (label, image) in [("root-a", 0), ("boot-a", 1), ("recovery-a", 1), ("recovery-b", 1)] {
        let slot = section(dir.path(), &disk, label);
        let image = &info["manifest"]["images"][image];
        let trailer = trailer::read(&slot).unwrap();
        assert_eq!(trailer.image, image["name"].as_str().unwrap());
        let (start, size) = place(&disk, label);
        sh(dir.path(), &format!("dd if=disk.img of=slot bs=1M skip={} count={}", start >> 20, size >> 20));
        let (len, salt) = (image["size"].as_u64().unwrap(), image["salt"].as_str().unwrap());
        let root = image["root_hash"].as_str().unwrap();
        let geometry =
            format!("--no-superblock --data-blocks {} --hash-offset {len} --salt {salt}", len / 4096);
        sh(dir.path(), &format!("veritysetup verify slot slot {root} {geometry}"));
        let reported = disk["partitions"].as_array().unwrap().iter().find(|part| part["label"] == label);
        assert_eq!(reported.unwrap()["root_hash"], root);
    }
    for label in ["root-b", "boot-b"] {
        assert!(trailer::read(&section(dir.path(), &disk, label)).is_err(), "{label}");
    }
    let (_, opened) = Store::open(section(dir.path(), &disk, "state"), None).unwrap();
    let Opened::Found { record, .. } = opened else { panic!("{opened:?}") };
    assert_eq!((record.sets.a.status, record.sets.b.status), (SetStatus::Good, SetStatus::Empty));
    assert_eq!((record.last_good, record.floors.install), (Some(SetName::A), 4));
    assert_eq!(record.sets.a.manifest.to_string(), info["digest"].as_str().unwrap());
    assert_eq!(record.history.first().unwrap().outcome, Outcome::Flashed);
    let told = Grub::open(section(dir.path(), &disk, "bootenv")).unwrap().observe().unwrap();
    assert_eq!((told.generation, told.mode), (record.generation, Mode::Normal));
    assert_eq!((told.left.a, told.left.b), (5, 0));
}

#[test]
fn an_ordinary_user_makes_the_same_sparse_disk_again() {
    let dir = factory(BIOS);
    make(dir.path(), "");
    let first = fs::read(dir.path().join("disk.img")).unwrap();
    let used = fs::metadata(dir.path().join("disk.img")).unwrap().blocks() * 512;
    assert!(used < 40 << 20, "{used} bytes of {}", first.len());
    // As nobody, in a folder of their own; not everybody who runs tests may become another user.
    let theirs = tempfile::tempdir().unwrap();
    for name in ["device.toml", "v1.drydock", "k.pub.pem"] {
        fs::copy(dir.path().join(name), theirs.path().join(name)).unwrap();
    }
    fs::copy(tool(), theirs.path().join("tool")).unwrap();
    fs::set_permissions(theirs.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let root = fs::metadata(theirs.path()).unwrap().uid() == 0;
    let nobody = if root { "setpriv --reuid 65534 --regid 65534 --clear-groups" } else { "" };
    sh(theirs.path(), &format!("{nobody} ./tool {DISK}"));
    assert!(fs::read(theirs.path().join("disk.img")).unwrap() == first, "the two disks differ");
}

#[test]
fn a_slot_without_a_size_gets_a_quarter_more_than_its_image_needs() {
    let dir = factory(BIOS);
    let needed: Value =
        serde_json::from_str(&sh(dir.path(), &format!("{} --json info v1.drydock", tool()))).unwrap();
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    for (layout, given) in [("", None), ("slot_mib = { boot = 7 }\nrecovery_mib = 9", Some((7, 9)))] {
        configure(dir.path(), &format!("{BIOS}\n{layout}"), "");
        let disk = make(dir.path(), "");
        let by_itself = |class: &str| {
            let needed = needed["slots"][class].as_u64().unwrap();
            mib(needed + needed / 4)
        };
        let size = |label: &str| place(&disk, label).1 >> 20;
        let (boot, recovery) = given.unwrap_or((by_itself("boot"), by_itself("boot")));
        assert_eq!((size("boot-a"), size("boot-b"), size("recovery-a")), (boot, boot, recovery), "{layout}");
        assert_eq!(size("root-b"), by_itself("root"), "{layout}");
    }
}

#[test]
fn a_partition_for_trees_is_laid_out_blank_with_its_size() {
    let dir = factory(BIOS);
    let dir = dir.path();
    let tree = "[[slot]]\nclass = \"app\"\nrole = \"files\"\n[[tree]]\nclass = \"app\"\npartition = \"apps\"\nmount = \"/srv\"\n";
    sh(dir, "mkdir app; echo x > app/x");
    sh(dir, &format!("{} tree app --output app.img --owner 0:0", tool()));
    bundle(dir, "acme-pump", "--image root=root.img --image boot=boot.img --image app=app.img");
    configure(dir, &format!("{BIOS}\nslot_mib = {{ apps = 3 }}"), tree);
    let disk = make(dir, "");
    let (start, size) = place(&disk, "apps");
    assert_eq!(size, 3 << 20);
    let disk = fs::read(dir.join("disk.img")).unwrap();
    assert!(disk[start as usize..(start + size) as usize].iter().all(|byte| *byte == 0));
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing_behind() {
    let dir = factory(BIOS);
    let dir = dir.path();
    let refused = |why: &str| {
        let output = output(dir, &format!("{} {DISK}", tool()));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{why}: {said}");
        let left = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("disk.img")).collect();
        assert!(left.is_empty(), "{why}: {left:?}");
    };
    configure(dir, "sector_size = 4096", "");
    refused("use grub-efi");
    configure(dir, "slot_mib = { root = 2 }", "");
    refused("slot class `root`: 2 MiB are too small; its image needs 3");
    configure(dir, "disk_mib = 28", "");
    refused("the partitions need");
    configure(dir, "", "encrypted = true\n[[unlock]]\nkind = \"passphrase\"");
    refused("encrypted slots can't be flashed yet");
    configure(dir, "", "[[slot]]\nclass = \"app\"\nrole = \"other\"");
    refused("slot class `app`: the bundle has no image for it");
    configure(dir, "", "");
    bundle(dir, "other-pump", "--image root=root.img --image boot=boot.img");
    refused("the configuration is for `acme-pump`");
    bundle(dir, "acme-pump", "--image root=root.img --image boot=boot.img --image app=boot.img");
    refused("the configuration has no slot class `app`");
    sh(dir, &format!("rm k.pem k.pub.pem; {} keygen k.pem", tool()));
    refused("unknown keys");
}

#[test]
fn the_recovery_may_have_an_image_of_its_own() {
    let dir = factory(BIOS);
    let dir = dir.path();
    squashfs(dir, "recovery.img", &noise(9000, 7), "-comp xz");
    bundle(dir, "acme-pump", "--image root=root.img --image boot=boot.img --image recovery=recovery.img");
    let disk = make(dir, "");
    for label in ["recovery-a", "recovery-b"] {
        assert_eq!(trailer::read(&section(dir, &disk, label)).unwrap().image, "recovery");
    }
    squashfs(dir, "other.img", &[noise(9000, 8), vec![0; 100_000]].concat(), "-comp lzo");
    let disk = make(dir, "--recovery-image other.img");
    let image = fs::read(dir.join("disk.img")).unwrap();
    let raw = fs::read(dir.join("other.img")).unwrap();
    for label in ["recovery-a", "recovery-b"] {
        let start = place(&disk, label).0 as usize;
        assert!(image[start..start + raw.len()] == raw, "{label}");
        assert!(trailer::read(&section(dir, &disk, label)).is_err(), "no signature covers {label}");
    }
}

#[test]
fn a_disk_is_for_one_revision_of_the_hardware_where_classes_depend_on_it() {
    let dir = factory(BIOS);
    let dir = dir.path();
    squashfs(dir, "other.img", &noise(9000, 8), "-comp lzo");
    bundle(
        dir,
        "acme-pump",
        "--image root=root.img --image app-r1=boot.img --image app-r2=other.img --image boot=boot.img",
    );
    let class = |revision| {
        let names = format!("class = \"app-{revision}\"\npartition = \"app\"\nonly_if = [\"{revision}\"]");
        format!("[[slot]]\nrole = \"other\"\n{names}\n")
    };
    let hardware = "[hardware]\nkind = \"dmi\"\n";
    configure(dir, "", &format!("{}{}{hardware}", class("r1"), class("r2")));
    for args in ["", "--hardware r3"] {
        let output = output(dir, &format!("{} {DISK} {args}", tool()));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("for `r1`, `r2`; name one"), "{said}");
    }
    let disk = make(dir, "--hardware r2");
    assert_eq!(trailer::read(&section(dir, &disk, "app-a")).unwrap().image, "app-r2");
}

#[test]
fn grubs_script_is_valid() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bootloader-scripts/grub/grub.cfg");
    sh(Path::new("."), &format!("grub-script-check {}", script.display()));
}
