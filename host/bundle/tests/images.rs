//! What `create` and `disk` say about images that can't start a device. mke2fs, mksquashfs and GRUB's own reader are the
//! measure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::factory::{DISK, bundle, configure, factory, squashfs, tool};
use drydock_fixtures::{noise, output, sh};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What `disk` says about the bundle of these two images, or nothing if it makes a disk.
fn refused(dir: &Path, root: &str, boot: &str) -> Option<String> {
    bundle(dir, "acme-pump", &format!("--image root={root} --image boot={boot}"));
    let output = output(dir, &format!("{} {DISK}", tool()));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    (!output.status.success()).then(|| said["error"].as_str().unwrap().to_owned())
}

/// A folder whose configuration wants this filesystem as the root.
fn wanting(filesystem: &str) -> tempfile::TempDir {
    let dir = factory("");
    configure(dir.path(), "bootloader = \"none\"", "");
    let text = fs::read_to_string(dir.path().join("device.toml")).unwrap();
    let wanted = format!("[boot]\nroot_filesystem = \"{filesystem}\"");
    fs::write(dir.path().join("device.toml"), text.replace("[boot]", &wanted)).unwrap();
    fs::create_dir(dir.path().join("tree")).unwrap();
    fs::write(dir.path().join("tree/file"), noise(300_000, 5)).unwrap();
    dir
}

#[test]
fn an_ext4_root_that_the_kernel_would_not_mount_is_refused() {
    let dir = wanting("ext4");
    let dir = dir.path();
    let make = |options: &str| {
        sh(dir, &format!("rm -f root.ext4; mke2fs -q -t ext4 {options} -d tree root.ext4 12M"));
    };
    let said = || refused(dir, "root.ext4", "boot.img");
    make("");
    assert!(said().unwrap().contains("its blocks have 1024 bytes"), "{:?}", said());
    assert!(said().unwrap().contains("mke2fs -b 4096"));
    for options in [
        "-b 4096",
        "-b 4096 -O orphan_file,metadata_csum_seed",
        "-b 4096 -O ^has_journal",
        "-b 4096 -O ^64bit,casefold",
    ] {
        make(options);
        assert_eq!(said(), None, "{options}");
    }
    make("-b 4096");
    sh(dir, "debugfs -w -R 'feature needs_recovery' root.ext4");
    assert!(said().unwrap().contains("run e2fsck"), "{:?}", said());
    sh(dir, "e2fsck -fp root.ext4 || test $? = 1");
    assert_eq!(said(), None);
    sh(dir, "truncate -s 8M root.ext4");
    assert!(said().unwrap().contains("it is cut off"), "{:?}", said());
}

#[test]
fn a_root_of_another_kind_than_the_configuration_says_is_refused() {
    let dir = wanting("erofs");
    let dir = dir.path();
    sh(dir, "zstd -q root.img -o root.zst; mke2fs -q -t ext4 -b 4096 -d tree root.ext4 12M");
    fs::write(dir.join("noise"), noise(200_000, 3)).unwrap();
    for (image, words) in [
        ("root.zst", "it is compressed with zstd, and `boot.root_filesystem` is \"erofs\"; unpack it"),
        ("root.ext4", "it is ext4, and `boot.root_filesystem` is \"erofs\""),
        ("boot.img", "it is squashfs"),
        ("noise", "no filesystem that is known here"),
    ] {
        let said = refused(dir, image, "boot.img").unwrap_or_default();
        assert!(said.contains(words) && said.contains("slot class `root`"), "{image}: {said}");
    }
    assert_eq!(refused(dir, "root.img", "boot.img"), None);
    // What another bootloader than GRUB reads is not known here.
    assert_eq!(refused(dir, "root.img", "noise"), None);
}

#[test]
fn a_boot_image_is_taken_exactly_if_grub_reads_it() {
    let dir = factory("");
    let dir = dir.path();
    let kernel = [noise(300_000, 4), vec![0; 500_000]].concat();
    fs::write(dir.join("kernel"), &kernel).unwrap();
    let plain = "-noI -noD -noF -noX";
    let kinds = ["gzip", "lzo", "xz", "xz -Xbcj x86", "xz -b 1M", "zstd", "lz4", "lzma"];
    let plains = [format!("-comp gzip {plain}"), format!("-comp zstd {plain}")];
    for options in kinds.map(|kind| format!("-comp {kind}")).iter().chain(&plains) {
        squashfs(dir, "tried.img", &kernel, options);
        agrees_with_grub(dir, &kernel, options);
    }
    sh(dir, "rm tried.img; mkfs.fat -C tried.img 4096; mcopy -i tried.img kernel ::vmlinuz");
    agrees_with_grub(dir, &kernel, "FAT");
    for image in ["root.img", "kernel"] {
        let said = refused(dir, "root.img", image).unwrap();
        assert!(said.contains("GRUB reads squashfs"), "{image}: {said}");
    }
    squashfs(dir, "tried.img", &kernel, plain);
    sh(dir, "truncate -s 200K tried.img");
    assert!(refused(dir, "root.img", "tried.img").unwrap().contains("it is cut off"));
}

/// `tried.img` is taken if GRUB reads the kernel from it, and else refused with a reason.
fn agrees_with_grub(dir: &Path, kernel: &[u8], what: &str) {
    let read = output(dir, "grub-fstest $PWD/tried.img cat /vmlinuz").stdout == kernel;
    let said = refused(dir, "root.img", "tried.img");
    assert_eq!(said.is_none(), read, "{what}: {said:?}");
    assert!(said.is_none_or(|said| said.contains("GRUB reads squashfs")), "{what}");
}

#[test]
fn create_warns_of_what_is_hardly_meant() {
    let dir = factory("");
    let dir = dir.path();
    sh(dir, "zstd -q root.img -o root.zst");
    let create = "--json create --compatible a --version 1 --level 1 -o new.drydock --image";
    let said = output(dir, &format!("{} {create} app=root.zst --image root=root.img", tool()));
    let json: Value = serde_json::from_slice(&said.stdout).unwrap();
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(warning.contains("image app (root.zst): it is compressed with zstd; unpack it"), "{warning}");
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1);
    assert!(String::from_utf8_lossy(&said.stderr).contains(warning), "{said:?}");
    assert!(said.status.success());
}

#[test]
fn a_folder_is_told_from_an_image_and_from_a_bundle() {
    let dir = factory("");
    let dir = dir.path();
    fs::create_dir(dir.join("tree")).unwrap();
    for (line, words) in [
        (
            "create --compatible a --version 1 -o new.drydock --image root=tree",
            "reading tree: is a directory",
        ),
        ("info tree", "opening tree: is a directory"),
        (
            &format!("{} --recovery-image tree", DISK.trim_start_matches("--json ")),
            "opening tree: is a directory",
        ),
    ] {
        let said = output(dir, &format!("{} {line}", tool()));
        let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(1) && stderr.contains(words), "{line}: {stderr}");
    }
}
