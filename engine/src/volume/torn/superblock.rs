//! A superblock of ext4 that a power cut has torn.
//!
//! The superblock has 1024 bytes, and ext4 writes it in place, past its journal. On a disk with sectors of 512 bytes a cut can
//! leave one half of the old one beside one half of the new one. Neither half is wrong: they differ in times, counters and
//! flags, each of which may be old or new by itself. But the checksum is that of neither, and the kernel does not mount such
//! a filesystem. Where everything speaks for a tear, the checksum is computed anew, which is what `e2fsck` does, too.
//!
//! Source: the kernel's Documentation/filesystems/ext4/ (super.rst, group_descr.rst, checksums.rst).

use super::{block_size, number};
use crate::error::Error;
use crate::volume::ext4::{CHECKSUM, SUPERBLOCK, crc32c, seal};
use drydock_block::{AlignedBuffer, BlockDevice};
use std::ops::Range;

const LEN: usize = 1024;
/// Nothing has a meaning there yet; what was not written by ext4 would hardly be zeros.
const RESERVED: Range<usize> = 0x288..CHECKSUM;
const INCOMPAT_64BIT: u64 = 0x80;
const INCOMPAT_CHECKSUM_SEED: u64 = 0x2000;
const RO_COMPAT_METADATA_CHECKSUM: u64 = 0x400;
/// The smallest size of a group's descriptor, and that of a filesystem without 64-bit numbers.
const DESCRIPTOR: usize = 32;

/// Makes the checksum of a torn superblock right; says whether there was one. Whatever else may be wrong stays as it is, for
/// the kernel to refuse. It need not be on stable storage on return: if it is lost, it is done again.
pub fn mend(device: &(impl BlockDevice + ?Sized)) -> Result<bool, Error> {
    let read = || -> std::io::Result<Option<AlignedBuffer>> {
        let mut start = AlignedBuffer::new(4096);
        if device.size() < start.len() as u64 {
            return Ok(None);
        }
        device.read_at(0, &mut start)?;
        let superblock = &start[SUPERBLOCK..][..LEN];
        let Some(place) = Descriptor::of(superblock, device.size()) else { return Ok(None) };
        let sector = device.sector_size();
        let begin = sector.round_down(place.at);
        let mut around = AlignedBuffer::new(sector.round_up((place.at - begin) as usize + place.len));
        device.read_at(begin, &mut around)?;
        let descriptor = &around[(place.at - begin) as usize..][..place.len];
        Ok((is_torn(superblock) && place.fits(superblock, descriptor)).then_some(start))
    };
    let Some(mut start) = read().map_err(Error::doing("read the superblock of a filesystem"))? else {
        return Ok(false);
    };
    seal(&mut start[SUPERBLOCK..][..LEN]);
    // One sector, which by itself is old or new: that with the checksum.
    let sector = device.sector_size().as_usize();
    let end = SUPERBLOCK + LEN;
    let begin = (end - 1) / sector * sector;
    let mut changed = AlignedBuffer::new(sector);
    changed.copy_from_slice(&start[begin..begin + sector]);
    device.write_at(begin as u64, &changed).map_err(Error::doing("mend a torn superblock"))?;
    Ok(true)
}

fn is_torn(superblock: &[u8]) -> bool {
    number(superblock, CHECKSUM, 4) != u64::from(crc32c(!0, &superblock[..CHECKSUM]))
        && superblock[RESERVED].iter().all(|byte| *byte == 0)
}

/// The first group's descriptor. Its checksum depends on the features and the UUID in the superblock's first half, or on the
/// seed in the second one.
struct Descriptor {
    at: u64,
    len: usize,
}

impl Descriptor {
    /// Where it must be, if this is the start of a filesystem with checksums that has room on the device.
    fn of(superblock: &[u8], size: u64) -> Option<Self> {
        let block_size = block_size(superblock)?;
        if number(superblock, 0x64, 4) & RO_COMPAT_METADATA_CHECKSUM == 0 || superblock[0x175] != 1 {
            return None;
        }
        let is_64bit = number(superblock, 0x60, 4) & INCOMPAT_64BIT != 0;
        let len = if is_64bit { number(superblock, 0xfe, 2) as usize } else { DESCRIPTOR };
        let high = if is_64bit { number(superblock, 0x150, 4) } else { 0 };
        let blocks = number(superblock, 0x4, 4) | high << 32;
        let at = (number(superblock, 0x14, 4) + 1) * block_size;
        let has_room = blocks.checked_mul(block_size).is_some_and(|end| end <= size && at < end);
        (has_room && len.is_power_of_two() && (DESCRIPTOR..=LEN).contains(&len)).then_some(Self { at, len })
    }

    fn fits(&self, superblock: &[u8], descriptor: &[u8]) -> bool {
        const OWN: usize = 0x1e;
        let seed = match number(superblock, 0x60, 4) & INCOMPAT_CHECKSUM_SEED {
            0 => crc32c(!0, &superblock[0x68..0x78]),
            _ => number(superblock, 0x270, 4) as u32,
        };
        let of_group = crc32c(seed, &0u32.to_le_bytes());
        let before = crc32c(of_group, &descriptor[..OWN]);
        let whole = crc32c(crc32c(before, &[0, 0]), &descriptor[OWN + 2..]);
        number(descriptor, OWN, 2) == u64::from(whole & 0xffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::ext4::{Identity, format};
    use drydock_block::{MemoryDevice, SectorSize};
    use drydock_files::FileDevice;
    use std::process::Command;
    use tempfile::NamedTempFile;

    const SIZE: u64 = 32 << 20;

    fn ours() -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        file.as_file().set_len(SIZE).unwrap();
        let device = FileDevice::open(file.path(), SectorSize::S512).unwrap();
        format(&device, &Identity { uuid: [0xab; 16], hash_seed: [0xcd; 16] }).unwrap();
        file
    }

    fn made_by_mke2fs(options: &[&str]) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        file.as_file().set_len(SIZE).unwrap();
        let mut mke2fs = Command::new("/sbin/mke2fs");
        let done = mke2fs.args(["-q", "-F", "-t", "ext4"]).args(options).arg(file.path()).status().unwrap();
        assert!(done.success());
        file
    }

    /// A superblock as it may be some time later: times, counters and a flag differ, in both halves.
    fn later(superblock: &[u8]) -> Vec<u8> {
        let mut later = superblock.to_vec();
        later[0x2c] ^= 0x5a;
        later[0x34] += 1;
        later[0x60] |= 4;
        later[0x178] ^= 0x77;
        later[0x274] ^= 1;
        seal(&mut later);
        later
    }

    fn is_clean(image: &[u8]) -> bool {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), image).unwrap();
        Command::new("/sbin/dumpe2fs").arg("-h").arg(file.path()).output().unwrap().status.success()
    }

    #[test]
    fn a_superblock_torn_either_way_opens_again_and_nothing_else_changes() {
        let kinds = [
            ours(),
            made_by_mke2fs(&["-b", "4096", "-O", "metadata_csum,64bit"]),
            made_by_mke2fs(&["-b", "1024", "-O", "metadata_csum,^64bit"]),
        ];
        for (kind, sector) in kinds.iter().zip([SectorSize::S512, SectorSize::S512, SectorSize::S4096]) {
            let whole = std::fs::read(kind.path()).unwrap();
            let old = &whole[SUPERBLOCK..][..LEN];
            let new = later(old);
            for torn in [[&new[..512], &old[512..]].concat(), [&old[..512], &new[512..]].concat()] {
                let mut image = whole.clone();
                image[SUPERBLOCK..][..LEN].copy_from_slice(&torn);
                assert!(!is_clean(&image), "e2fsprogs notices");
                let device = MemoryDevice::from_bytes(image.clone(), sector);
                assert!(mend(&device).unwrap());
                let mended = device.snapshot();
                assert!(is_clean(&mended));
                let differing = mended.iter().zip(&image).enumerate().filter(|(_, (a, b))| a != b);
                assert!(differing.map(|(at, _)| at).all(|at| (SUPERBLOCK + CHECKSUM..2048).contains(&at)));
                assert!(!mend(&device).unwrap(), "there is nothing more to do");
            }
        }
    }

    #[test]
    fn what_is_whole_or_damaged_in_another_way_is_left_alone() {
        let whole = std::fs::read(ours().path()).unwrap();
        let damaged = |places: &[(usize, u8)]| {
            let mut image = whole.clone();
            places.iter().for_each(|(at, byte)| image[*at] ^= byte);
            image
        };
        let new = later(&whole[SUPERBLOCK..][..LEN]);
        let mut torn = whole.clone();
        torn[SUPERBLOCK..][..512].copy_from_slice(&new[..512]);
        let mut without_descriptor = torn.clone();
        without_descriptor[4096] ^= 1;
        let cases = [
            whole.clone(),
            damaged(&[(SUPERBLOCK + 0x38, 1)]),
            damaged(&[(SUPERBLOCK + 0x300, 1)]),
            damaged(&[(SUPERBLOCK + 0x270, 1)]),
            damaged(&[(SUPERBLOCK + 0x18, 0x40)]),
            damaged(&[(SUPERBLOCK + 0x7, 0x40)]),
            without_descriptor,
            torn[..8192].to_vec(),
            vec![0; 8192],
            vec![0xff; 1 << 20],
            vec![0; 2048],
        ];
        for (nth, image) in cases.into_iter().enumerate() {
            let device = MemoryDevice::from_bytes(image.clone(), SectorSize::S512);
            assert!(!mend(&device).unwrap(), "case {nth}");
            assert!(device.snapshot() == image, "case {nth}");
        }
    }
}
