//! Disks to look at: a folder with a key, images, a bundle and a configuration, as a factory has them.

use drydock_block::{Section, SectorSize};
use drydock_files::FileDevice;
use drydock_fixtures::{config, noise, sh};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

pub const BIOS: &str = "bootloader = \"grub-bios\"";
pub const EFI: &str = "bootloader = \"grub-efi\"";
pub const EFI_4096: &str = "bootloader = \"grub-efi\"\nsector_size = 4096";

pub fn tool() -> &'static str {
    env!("CARGO_BIN_EXE_drydock-bundle")
}

/// A folder with a key, a bundle and a configuration with these lines in `[layout]`.
pub fn factory(layout: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    erofs(dir.path(), "root.img", &[noise(700_000, 1), vec![0; 2_000_000]].concat());
    squashfs(dir.path(), "boot.img", &noise(5000, 2), "-noI -noD -noF -noX");
    sh(dir.path(), &format!("{} keygen k.pem", tool()));
    bundle(dir.path(), "acme-pump", "--image root=root.img --image boot=boot.img");
    configure(dir.path(), layout, "");
    dir
}

/// An uncompressed erofs with one file.
pub fn erofs(dir: &Path, name: &str, contents: &[u8]) {
    let tree = tempfile::tempdir().unwrap();
    fs::write(tree.path().join("file"), contents).unwrap();
    sh(dir, &format!("mkfs.erofs -Enoinline_data --quiet {name} {}", tree.path().display()));
}

/// A squashfs with one file.
pub fn squashfs(dir: &Path, name: &str, contents: &[u8], options: &str) {
    let tree = tempfile::tempdir().unwrap();
    fs::write(tree.path().join("vmlinuz"), contents).unwrap();
    let tree = tree.path().display();
    sh(dir, &format!("mksquashfs {tree} {name} {options} -noappend -all-root -quiet -no-progress"));
}

pub fn bundle(dir: &Path, compatible: &str, images: &str) {
    let create = format!("create --compatible {compatible} --version 1.0 --security-version 4 --level 1");
    sh(dir, &format!("{} {create} {images} --key k.pem -o v1.drydock", tool()));
}

pub fn configure(dir: &Path, layout: &str, root: &str) {
    let more = format!(
        r#"[data]
encrypted = false
[boot]
attempts = 5
[layout]
stash_mib = 2
cmdline = "console=tty0 console=ttyS1,57600n8"
{layout}
"#
    );
    let text = config("k.pub.pem", &more).replace("role = \"root\"\n", &format!("role = \"root\"\n{root}\n"));
    fs::write(dir.join("device.toml"), text).unwrap();
}

pub const DISK: &str = "--json disk --config device.toml --bundle v1.drydock --output disk.img";

pub fn make(dir: &Path, more: &str) -> Value {
    serde_json::from_str(&sh(dir, &format!("{} {DISK} {more}", tool()))).unwrap()
}

/// Start and size of a partition in bytes.
pub fn place(disk: &Value, label: &str) -> (u64, u64) {
    let all = disk["partitions"].as_array().unwrap();
    let part = all.iter().find(|part| part["label"] == label).unwrap_or_else(|| panic!("no {label}"));
    (part["start"].as_u64().unwrap(), part["size"].as_u64().unwrap())
}

pub fn section(dir: &Path, disk: &Value, label: &str) -> Section<FileDevice> {
    let (start, size) = place(disk, label);
    let sector = SectorSize::from_bytes(disk["sector_size"].as_u64().unwrap() as u32).unwrap();
    Section::new(FileDevice::open(&dir.join("disk.img"), sector).unwrap(), start, size).unwrap()
}
