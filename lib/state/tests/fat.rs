//! The file of the boot environment is found wherever mkfs.fat, mtools and GRUB have it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_block::{MemoryDevice, SectorSize, read_vec};
use drydock_fixtures::sh;
use drydock_state::grub::{Grub, encode_env};
use drydock_state::{Bootloader, CopyName, Generation, Mode, SetName, Starts, Wanted, fat};
use std::fs;
use std::path::Path;

fn environment() -> Vec<u8> {
    (0..512).map(|n| b'a' + (n % 26) as u8).collect()
}

/// What drydock finds in `be`, and what GRUB reads there.
fn both(dir: &Path) -> (Vec<u8>, Vec<u8>) {
    let device = MemoryDevice::from_bytes(fs::read(dir.join("be")).unwrap(), SectorSize::S512);
    let file = fat::find(&device, b"GRUBENV    ").unwrap();
    (
        read_vec(&device, file.offset, file.len as usize).unwrap(),
        sh(dir, "grub-fstest $PWD/be cat /grubenv").into_bytes(),
    )
}

#[test]
fn a_file_is_found_in_every_kind_of_fat() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("grubenv"), environment()).unwrap();
    for make in ["-F 12 -C be 2048", "-F 16 -s 1 -C be 4096", "-F 16 -C be 65536", "-F 32 -s 1 -C be 65536"] {
        sh(dir, &format!("rm -f be; mkfs.fat {make}; mcopy -i be grubenv ::grubenv"));
        assert_eq!(both(dir), (environment(), environment()), "{make}");
    }
}

#[test]
fn a_fat32_with_few_clusters_is_one_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for size in [1024, 4096, 30_000] {
        sh(dir, &format!("rm -f be; mkfs.fat -F 32 -C be {size}"));
        let mut bytes = fs::read(dir.join("be")).unwrap();
        put(&mut bytes, &environment());
        fs::write(dir.join("be"), bytes).unwrap();
        assert_eq!(both(dir), (environment(), environment()), "{size} KiB");
    }
}

#[test]
fn what_is_wanted_is_observed_and_read_by_grub_and_only_its_sector_changes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("grubenv"), environment()).unwrap();
    sh(dir, "mkfs.fat -F 12 -C be 2048; mcopy -i be grubenv ::grubenv");
    let before = fs::read(dir.join("be")).unwrap();
    let device = MemoryDevice::from_bytes(before.clone(), SectorSize::S512);
    let loader: Box<dyn Bootloader + '_> = Box::new(Grub::open(&device).unwrap());
    assert!(loader.observe().is_err(), "what is there is no environment");
    let wanted = Wanted {
        generation: Generation(100_000_017),
        first: SetName::B,
        mode: Mode::Recovery,
        attempts: Starts { a: 0, b: loader.most_starts(), recovery: 3 },
        copy: CopyName::B,
    };
    loader.want(&wanted).unwrap();
    assert_eq!(loader.observe().unwrap(), wanted.fresh());

    let after = read_vec(&device, 0, before.len()).unwrap();
    let changed = |(old, new): (&[u8], &[u8])| old != new;
    assert_eq!(before.chunks(512).zip(after.chunks(512)).filter(|pair| changed(*pair)).count(), 1);
    fs::write(dir.join("be"), after).unwrap();
    assert_eq!(sh(dir, "grub-fstest $PWD/be cat /grubenv").as_bytes(), encode_env(&wanted));
}

/// Puts a file of one cluster into a FAT32 that is too small for mtools.
fn put(volume: &mut [u8], contents: &[u8]) {
    let number = |at: usize, len: usize| {
        volume[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let (sector, cluster, reserved, fats) = (number(11, 2), number(13, 1), number(14, 2), number(16, 1));
    let (fat, root) = (number(36, 4), number(44, 4));
    let data = (reserved + fats * fat) * sector;
    let of = |cluster_number: usize| data + (cluster_number - 2) * cluster * sector;
    let (file, entry) = (root + 1, of(root));
    for copy in 0..fats {
        let at = (reserved + copy * fat) * sector + file * 4;
        volume[at..at + 4].copy_from_slice(&0x0fff_ffff_u32.to_le_bytes());
    }
    volume[entry..entry + 11].copy_from_slice(b"GRUBENV    ");
    volume[entry + 11] = 0x20;
    volume[entry + 26] = file as u8;
    volume[entry + 28..entry + 32].copy_from_slice(&(contents.len() as u32).to_le_bytes());
    volume[of(file)..of(file) + contents.len()].copy_from_slice(contents);
}
