//! Removable media as people bring them, and as an enemy would: filesystems made by their own tools, in partitions and without.

use drydock_qemu_tests::run;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

/// Where the one partition of a medium begins, in bytes.
const START: u64 = 1 << 20;

/// Files by their names.
pub(crate) type Files<'f> = &'f [(&'f str, &'f [u8])];

/// Puts files into a folder, for whoever makes an image of it.
fn folder(files: Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// FAT with entries of so many bits, all with the same label.
pub(crate) fn fat(image: &Path, bits: u32, mib: u64, files: Files) {
    File::create(image).unwrap().set_len(mib << 20).unwrap();
    let kind = bits.to_string();
    run(Command::new("mkfs.fat").args(["-F", &kind, "-n", "UPDATE"]).arg(image)).unwrap();
    let folder = folder(files);
    for (name, _) in files {
        let file = folder.path().join(name);
        run(Command::new("mcopy").arg("-i").args([image, &file]).arg("::")).unwrap();
    }
}

/// ISO 9660, as it is or with what `options` of `mkisofs` add.
pub(crate) fn iso(image: &Path, options: &[&str], files: Files) {
    let mut mkisofs = Command::new("xorriso");
    mkisofs.args(["-as", "mkisofs", "-quiet", "-iso-level", "3", "-V", "UPDATE"]).args(options).arg("-o");
    run(mkisofs.arg(image).arg(folder(files).path())).unwrap();
}

/// A compressed squashfs.
pub(crate) fn squashfs(image: &Path, files: Files) {
    run(Command::new("mksquashfs").args([folder(files).path(), image]).args(["-quiet", "-no-progress"]))
        .unwrap();
}

/// exFAT with one file. There is no tool that puts one into an image without a kernel's help, so its entries are written as
/// Microsoft's specification has them (7.4 to 7.7), and Debian's checker has to find them right.
pub(crate) fn exfat(image: &Path, mib: u64, name: &str, bytes: &[u8]) {
    File::create(image).unwrap().set_len(mib << 20).unwrap();
    run(Command::new("mkfs.exfat").args(["-L", "UPDATE"]).arg(image)).unwrap();
    let disk = File::options().read(true).write(true).open(image).unwrap();
    let heap = Exfat::of(&disk);
    let (first, clusters) = (heap.count / 2, (bytes.len() as u64).div_ceil(heap.cluster));
    disk.write_all_at(bytes, heap.at(first)).unwrap();
    let mut root = vec![0; heap.cluster as usize];
    disk.read_exact_at(&mut root, heap.at(heap.root)).unwrap();
    let bitmap = root.chunks(32).find(|entry| entry[0] == 0x81).unwrap();
    let bitmap = heap.at(u64::from(u32::from_le_bytes(bitmap[20..24].try_into().unwrap())));
    for bit in first - 2..first - 2 + clusters {
        let mut byte = [0];
        disk.read_exact_at(&mut byte, bitmap + bit / 8).unwrap();
        disk.write_all_at(&[byte[0] | 1 << (bit % 8)], bitmap + bit / 8).unwrap();
    }
    let free = root.chunks(32).position(|entry| entry[0] == 0).unwrap() as u64;
    let entries = entries(name, first as u32, bytes.len() as u64);
    disk.write_all_at(&entries, heap.at(heap.root) + free * 32).unwrap();
    run(Command::new("fsck.exfat").arg("-n").arg(image)).unwrap();
}

/// Where things are in an exFAT filesystem.
struct Exfat {
    fat: u64,
    heap: u64,
    cluster: u64,
    count: u64,
    root: u64,
}

impl Exfat {
    fn of(disk: &File) -> Self {
        let mut boot = [0; 512];
        disk.read_exact_at(&mut boot, 0).unwrap();
        let word = |at: usize| u64::from(u32::from_le_bytes(boot[at..at + 4].try_into().unwrap()));
        let sector = 1 << boot[108];
        let (fat, heap) = (word(80) * sector, word(88) * sector);
        Self { fat, heap, cluster: sector << boot[109], count: word(92), root: word(96) }
    }

    fn at(&self, cluster: u64) -> u64 {
        self.heap + (cluster - 2) * self.cluster
    }
}

/// The entries of a file whose clusters follow each other.
fn entries(name: &str, first: u32, length: u64) -> Vec<u8> {
    let letters: Vec<u16> = name.encode_utf16().collect();
    let parts = letters.chunks(15);
    let mut entries = vec![0; 64 + 32 * parts.len()];
    let turn = |sum: u16, byte: u8| sum.rotate_right(1).wrapping_add(byte.into());
    let upper = name.to_uppercase().encode_utf16().flat_map(u16::to_le_bytes).fold(0, turn);
    let date: u32 = (2024 - 1980) << 25 | 1 << 21 | 1 << 16;
    (entries[0], entries[1], entries[4]) = (0x85, 1 + parts.len() as u8, 0x20);
    for at in [8, 12, 16] {
        entries[at..at + 4].copy_from_slice(&date.to_le_bytes());
    }
    (entries[32], entries[33], entries[35]) = (0xc0, 3, letters.len() as u8);
    entries[36..38].copy_from_slice(&upper.to_le_bytes());
    entries[40..48].copy_from_slice(&length.to_le_bytes());
    entries[52..56].copy_from_slice(&first.to_le_bytes());
    entries[56..64].copy_from_slice(&length.to_le_bytes());
    for (part, entry) in parts.zip(entries[64..].chunks_mut(32)) {
        entry[0] = 0xc1;
        for (letter, place) in part.iter().zip(entry[2..].chunks_mut(2)) {
            place.copy_from_slice(&letter.to_le_bytes());
        }
    }
    let summed = entries.iter().enumerate().filter(|(at, _)| !(2..4).contains(at));
    let sum = summed.fold(0, |sum, (_, byte)| turn(sum, *byte));
    entries[2..4].copy_from_slice(&sum.to_le_bytes());
    entries
}

/// Makes the chain of an exFAT's root folder lead back to its beginning.
pub(crate) fn loop_exfat(image: &Path) {
    let disk = File::options().read(true).write(true).open(image).unwrap();
    let Exfat { fat, root, .. } = Exfat::of(&disk);
    disk.write_all_at(&(root as u32).to_le_bytes(), fat + 4 * root).unwrap();
}

/// Makes the chain of a FAT32's root folder lead back to its beginning, in both of its tables.
pub(crate) fn loop_fat32(image: &Path) {
    let disk = File::options().read(true).write(true).open(image).unwrap();
    let mut boot = [0; 512];
    disk.read_exact_at(&mut boot, 0).unwrap();
    let word = |at: usize| u64::from(u32::from_le_bytes(boot[at..at + 4].try_into().unwrap()));
    let (reserved, root, length) = (word(14) & 0xffff, word(44), word(36));
    for table in 0..u64::from(boot[16]) {
        let at = (reserved + table * length) * 512 + 4 * root;
        disk.write_all_at(&(root as u32).to_le_bytes(), at).unwrap();
    }
}

/// Damages the root folder of an ext4, which asks that the kernel panics where it finds any damage.
pub(crate) fn ext4_that_panics(image: &Path) {
    run(Command::new("tune2fs").args(["-e", "panic"]).arg(image)).unwrap();
    let block = run(Command::new("debugfs").args(["-R", "blocks <2>"]).arg(image)).unwrap();
    let size = run(Command::new("dumpe2fs").arg("-h").arg(image)).unwrap();
    let size = size.lines().find_map(|line| line.strip_prefix("Block size:")).unwrap();
    let [block, size]: [u64; 2] = [&*block, size].map(|number| number.trim().parse().unwrap());
    let disk = File::options().write(true).open(image).unwrap();
    // The length of the second entry, which would never lead to the next one.
    disk.write_all_at(&[0; 2], block * size + 16).unwrap();
}

/// Puts a filesystem into the one partition of a medium with an MBR, as most sticks are sold.
pub(crate) fn in_mbr(image: &Path, kind: u8) {
    let sectors = fs::metadata(image).unwrap().len() / 512;
    let mut table = [0; 512];
    table[446 + 4] = kind;
    table[446 + 8..446 + 12].copy_from_slice(&((START / 512) as u32).to_le_bytes());
    table[446 + 12..446 + 16].copy_from_slice(&(sectors as u32).to_le_bytes());
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    move_up(image, 0);
    File::options().write(true).open(image).unwrap().write_all_at(&table, 0).unwrap();
}

/// The same with a GPT.
pub(crate) fn in_gpt(image: &Path) {
    let last = START / 512 + fs::metadata(image).unwrap().len() / 512 - 1;
    move_up(image, START);
    let part = format!("1:{}:{last}", START / 512);
    run(Command::new("sgdisk").args(["-n", &part, "-t", "1:0700"]).arg(image)).unwrap();
}

/// Makes room before what is in an image, and behind it.
fn move_up(image: &Path, behind: u64) {
    let inside = fs::read(image).unwrap();
    let disk = File::create(image).unwrap();
    disk.set_len(START + inside.len() as u64 + behind).unwrap();
    disk.write_all_at(&inside, START).unwrap();
}
