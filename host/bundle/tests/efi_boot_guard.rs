//! `drydock-bundle disk` with EFI Boot Guard, looked at with other people's tools: mtools, fsck.fat, EFI Boot Guard's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::factory::{DISK, bundle, factory, make, place, section, squashfs, tool};
use drydock_fixtures::{output, sh};
use drydock_format::trailer;
use std::path::Path;

const LAYOUT: &str = "bootloader = \"efi-boot-guard\"\nwatchdog_seconds = 40";
const SLOTS: [&str; 4] = ["boot-a", "boot-b", "recovery-a", "recovery-b"];

/// A FAT for a slot, which says so.
fn image(dir: &Path, name: &str, label: &str) {
    let make = format!(
        "echo image of {label} > drydock.efi; printf %s {label} | iconv -t UTF-16LE > EFILABEL; rm -f {name}.img; \
         mkfs.fat -C {name}.img 256; mcopy -i {name}.img drydock.efi EFILABEL ::"
    );
    sh(dir, &make);
}

fn release(dir: &Path, slots: &[&str]) {
    let all = slots.iter().map(|slot| format!("--image {slot}={slot}.img ")).collect::<String>();
    bundle(dir, "acme-pump", &format!("{all} --image root=root.img"));
}

/// What the tool has to say against it.
fn refused(dir: &Path) -> String {
    let said = output(dir, &format!("{} {DISK}", tool()));
    assert!(!said.status.success());
    String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr)
}

#[test]
fn each_slot_has_its_own_image_and_both_environments_say_what_is_started() {
    for sector in ["", "\nsector_size = 4096"] {
        let dir = factory(&format!("{LAYOUT}{sector}"));
        let dir = dir.path();
        SLOTS.iter().for_each(|slot| image(dir, slot, slot));
        release(dir, &SLOTS);
        let disk = make(dir, "");
        for label in ["esp", "bootenv", "bootenv-2", "boot-a", "recovery-a", "recovery-b"] {
            let (start, size) = place(&disk, label);
            sh(dir, &format!("dd if=disk.img of={label}.fs bs=1M skip={} count={}", start >> 20, size >> 20));
        }
        ["esp", "bootenv", "bootenv-2"]
            .iter()
            .for_each(|label| drop(sh(dir, &format!("fsck.fat -n {label}.fs"))));
        sh(
            dir,
            "mcopy -i esp.fs ::EFI/BOOT/BOOTX64.EFI loader; cmp loader /usr/lib/*/efibootguard/efibootguard*64.efi",
        );
        for (label, revision, kernel) in [("bootenv-2", 2, "boot-a"), ("bootenv", 1, "recovery-a")] {
            let said = sh(
                dir,
                &format!("rm -f BGENV.DAT; mcopy -i {label}.fs ::BGENV.DAT .; bg_printenv -f BGENV.DAT"),
            );
            let kernel = format!("C:{kernel}:drydock.efi");
            for wanted in ["40 seconds", "INSTALLED", &kernel, &format!("{revision}\n")] {
                assert!(said.contains(wanted), "{wanted} in {said}");
            }
        }
        for label in ["boot-a", "recovery-a", "recovery-b"] {
            assert_eq!(sh(dir, &format!("mtype -i {label}.fs ::drydock.efi")), format!("image of {label}\n"));
            assert_eq!(trailer::read(&section(dir, &disk, label)).unwrap().image, label);
        }
        assert!(trailer::read(&section(dir, &disk, "boot-b")).is_err());
    }
}

#[test]
fn an_image_that_the_loader_would_not_find_in_its_slot_is_refused() {
    let dir = factory(LAYOUT);
    let dir = dir.path();
    assert!(refused(dir).contains("EFI firmware reads FAT"), "a squashfs is nothing that firmware reads");
    SLOTS.iter().for_each(|slot| image(dir, slot, slot));
    image(dir, "recovery-b", "recovery-a");
    release(dir, &SLOTS);
    let said = refused(dir);
    assert!(said.contains("recovery-b") && said.contains("EFILABEL says `recovery-a`"), "{said}");
    image(dir, "recovery-b", "recovery-b");
    sh(dir, "mdel -i recovery-b.img ::drydock.efi");
    release(dir, &SLOTS);
    let said = refused(dir);
    assert!(said.contains("recovery-b") && said.contains("drydock.efi"), "{said}");
    // Without images of its own the recovery would get that of a set.
    release(dir, &["boot-a", "boot-b"]);
    let said = refused(dir);
    assert!(said.contains("EFILABEL says `boot-a`"), "{said}");
    squashfs(dir, "boot.img", b"kernel", "-noI -noD -noF -noX");
    let all = SLOTS.iter().map(|slot| format!("--image {slot}={slot}.img ")).collect::<String>();
    bundle(dir, "acme-pump", &format!("{all} --image boot-c=boot.img --image root=root.img"));
    let said = refused(dir);
    assert!(said.contains("no slot class `boot-c`"), "{said}");
}
