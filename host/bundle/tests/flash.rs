//! A disk image that is flashed by a map of its blocks, as bmaptool does, onto a disk that is not empty: nothing that
//! was there before may show. bmap-tools does the flashing. That such a disk starts is shown in qemu-tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::factory::{BIOS, EFI, EFI_4096, factory, make, place};
use drydock_fixtures::{noise, output, sh};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Calls bmap-tools, which Debian's Python has, with a target that keeps what it has, as a block device does; its command line truncates files.
const COPY: &str = r#"
import sys
from bmaptools.BmapCopy import BmapCopy
BmapCopy(open("disk.img", "rb"), open("target", "rb+"), open(sys.argv[1], "rb")).copy()
"#;

/// Flashes `disk.img` by this map onto a disk that is full of something, and returns what is on it then.
fn flash(dir: &Path, map: &str, before: &[u8]) -> Vec<u8> {
    let size = fs::metadata(dir.join("disk.img")).unwrap().len() as usize;
    fs::write(dir.join("target"), before.iter().copied().cycle().take(size).collect::<Vec<u8>>()).unwrap();
    fs::write(dir.join("copy.py"), COPY).unwrap();
    sh(dir, &format!("/usr/bin/python3 copy.py {map}"));
    fs::read(dir.join("target")).unwrap()
}

/// Partitions of which the device relies on every byte in this range.
fn relied_on(dir: &Path, disk: &Value) -> Vec<(String, std::ops::Range<usize>)> {
    let info: Value =
        serde_json::from_str(&sh(dir, &format!("{} --json info v1.drydock", common::factory::tool())))
            .unwrap();
    let mut ranges = Vec::new();
    let mut add = |label: &str, from: u64, len: u64| {
        let start = place(disk, label).0 + from;
        ranges.push((label.to_owned(), start as usize..(start + len) as usize));
    };
    let image = |class: &str| {
        let all = info["manifest"]["images"].as_array().unwrap();
        all.iter().find(|image| image["class"] == class).unwrap()["size"].as_u64().unwrap()
    };
    for (label, class) in
        [("root-a", "root"), ("boot-a", "boot"), ("recovery-a", "boot"), ("recovery-b", "boot")]
    {
        add(label, 0, image(class));
    }
    // No record, no stash and no volume of a former life, nor its set b.
    let size = |label: &str| place(disk, label).1;
    for (label, from, len) in [("state", 0, size("state")), ("stash", 0, 4096), ("data", 0, 1 << 20)] {
        add(label, from, len);
    }
    for label in ["root-a", "root-b", "boot-a", "boot-b", "recovery-a", "recovery-b", "data"] {
        add(label, size(label) - 4096, 4096);
    }
    ranges.push(("the first table".into(), 0..1 << 20));
    let end = disk["size"].as_u64().unwrap() as usize;
    ranges.push(("the second table".into(), end - (1 << 20)..end));
    ranges
}

#[test]
fn a_flash_by_map_leaves_nothing_that_the_device_reads_to_chance() {
    for layout in [BIOS, EFI, EFI_4096] {
        let dir = factory(&format!("{layout}\ndisk_mib = 128"));
        let dir = dir.path();
        let disk = make(dir, "--bmap");
        assert_eq!(disk["bmap"], "disk.img.bmap");
        sh(dir, "bmaptool create disk.img -o theirs.bmap");
        let image = fs::read(dir.join("disk.img")).unwrap();
        for map in ["disk.img.bmap", "theirs.bmap"] {
            for before in [noise(1 << 20, 9), vec![0xff]] {
                let flashed = flash(dir, map, &before);
                for (label, range) in relied_on(dir, &disk) {
                    assert!(flashed[range.clone()] == image[range], "{label} by {map}");
                }
                for label in ["bootenv", "esp"] {
                    if layout == BIOS && label == "esp" {
                        continue;
                    }
                    let (start, size) = place(&disk, label);
                    fs::write(dir.join("fat"), &flashed[start as usize..(start + size) as usize]).unwrap();
                    sh(dir, "fsck.fat -n fat");
                }
                sh(
                    dir,
                    "mcopy -o -i fat ::EFI/BOOT/BOOTX64.EFI . 2>/dev/null || mcopy -o -i fat ::grubenv .",
                );
            }
        }
    }
}

#[test]
fn bmaptool_finds_the_map_checks_it_and_flashes_only_what_is_needed() {
    let dir = factory(BIOS);
    let dir = dir.path();
    let disk = make(dir, "--bmap");
    let said = sh(dir, "bmaptool copy disk.img target");
    assert!(said.contains("disk.img.bmap"), "{said}");
    assert!(fs::read(dir.join("target")).unwrap() == fs::read(dir.join("disk.img")).unwrap());
    let map = fs::read_to_string(dir.join("disk.img.bmap")).unwrap();
    assert!(map.lines().filter(|line| line.contains("Range")).count() > 5, "{map}");
    let count = |name: &str| {
        let (_, rest) = map.split_once(&format!("<{name}> ")).unwrap();
        rest.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(count("BlocksCount") * 4096, disk["size"].as_u64().unwrap());
    assert!(count("MappedBlocksCount") * 4 < count("BlocksCount"), "{map}");
    // A bit that turned over in the image is found by the checksum.
    let (root, _) = place(&disk, "root-a");
    let mut image = fs::read(dir.join("disk.img")).unwrap();
    image[root as usize + 5000] ^= 1;
    fs::write(dir.join("disk.img"), image).unwrap();
    assert!(!output(dir, "bmaptool copy disk.img target").status.success());
}
