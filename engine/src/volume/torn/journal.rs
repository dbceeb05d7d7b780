//! The commit block of ext4's journal that a power cut has torn.
//!
//! A transaction counts once its commit block is there, which is written after all else of it was flushed. The block's
//! first sector says everything; the rest is zeros, but the checksum is of all of it. A cut can leave the new first sector
//! before what an older transaction had in the others. The kernel takes that for damage, not for the transaction that it
//! is, and does not mount the filesystem. Completed with zeros the block has the checksum that it says, or else it is left
//! alone.
//!
//! Source: the kernel's Documentation/filesystems/ext4/journal.rst.

use super::{block_size, journal_number, number};
use crate::error::Error;
use crate::volume::ext4::{SUPERBLOCK, crc32c};
use drydock_block::{AlignedBuffer, BlockDevice};
use std::io;

/// What a cut leaves whole on any disk.
const SECTOR: usize = 512;
const MAGIC: u32 = 0xc03b_3998;
const COMMIT: u32 = 2;
const JOURNAL_SUPERBLOCK: u32 = 4;
/// Checksums of version 2 or 3.
const INCOMPAT_CHECKSUMS: u32 = 0x8 | 0x10;
/// Where a commit block has its checksum.
const CHECKSUM: usize = 0x10;
const EXTENT_MAGIC: u64 = 0xf30a;
/// Extents that fit into the inode itself. A journal in more pieces is not looked for.
const MAX_EXTENTS: u64 = 4;

/// Completes torn commit blocks in the journal of the filesystem; says whether there was one. It need not be on stable
/// storage on return: if it is lost, it is done again.
pub fn mend(device: &(impl BlockDevice + ?Sized)) -> Result<bool, Error> {
    mend_all(device).map_err(Error::doing("look for a torn block in the journal of a filesystem"))
}

fn mend_all(device: &(impl BlockDevice + ?Sized)) -> io::Result<bool> {
    let mut start = AlignedBuffer::new(4096);
    if device.size() < start.len() as u64 {
        return Ok(false);
    }
    device.read_at(0, &mut start)?;
    let Some((block_size, extents)) = extents(&start[SUPERBLOCK..][..1024]) else { return Ok(false) };
    // The sectors of a LUKS volume may be larger than those of the disk below it, and are torn where those end.
    if block_size < device.sector_size().as_usize() {
        return Ok(false);
    }
    let mut block = AlignedBuffer::new(block_size);
    let mut journal: Option<Journal> = None;
    let mut mended = false;
    for at in extents.into_iter().flat_map(|(first, count)| first..first + count) {
        // A number of the disk's own may be as large as it likes.
        let end = at.checked_add(1).and_then(|next| next.checked_mul(block_size as u64));
        let Some(at) = end.filter(|end| *end <= device.size()).map(|end| end - block_size as u64) else {
            return Ok(mended);
        };
        device.read_at(at, &mut block)?;
        // The journal's own superblock is its first block.
        let Some(journal) = &journal else {
            let Some(found) = Journal::of(&block) else { return Ok(false) };
            journal = Some(found);
            continue;
        };
        if journal.complete(&mut block) {
            device.write_at(at, &block)?;
            mended = true;
        }
    }
    Ok(mended)
}

/// The size of a block, and where the journal is, in blocks: from the copy of its inode that the superblock has.
fn extents(superblock: &[u8]) -> Option<(usize, Vec<(u64, u64)>)> {
    const INODE_COPY: usize = 0x10c;
    let block_size = block_size(superblock)?;
    let has_copy = superblock[0xfd] == 1;
    let count = number(superblock, INODE_COPY + 2, 2);
    let is_flat =
        number(superblock, INODE_COPY, 2) == EXTENT_MAGIC && number(superblock, INODE_COPY + 6, 2) == 0;
    if !has_copy || !is_flat || count > MAX_EXTENTS {
        return None;
    }
    let extent = |nth| {
        let at = INODE_COPY + 12 + nth as usize * 12;
        let first = number(superblock, at + 8, 4) | number(superblock, at + 6, 2) << 32;
        (first, number(superblock, at + 4, 2))
    };
    Some((block_size as usize, (0..count).map(extent).collect()))
}

/// What the journal's superblock says.
struct Journal {
    /// The first transaction that is to be replayed.
    sequence: u32,
    /// What all checksums begin with.
    seed: u32,
}

impl Journal {
    /// Nothing, if there is nothing to be replayed, or if its blocks have no checksums.
    fn of(block: &[u8]) -> Option<Self> {
        let is_one = journal_number(block, 0) == MAGIC
            && journal_number(block, 4) == JOURNAL_SUPERBLOCK
            && journal_number(block, 0xc) as usize == block.len();
        let is_dirty = journal_number(block, 0x1c) != 0;
        let has_checksums = journal_number(block, 0x28) & INCOMPAT_CHECKSUMS != 0;
        (is_one && is_dirty && has_checksums)
            .then(|| Self { sequence: journal_number(block, 0x18), seed: crc32c(!0, &block[0x30..0x40]) })
    }

    /// Completes the block, if it is a torn commit block that is to be replayed.
    fn complete(&self, block: &mut [u8]) -> bool {
        let is_new = journal_number(block, 8).wrapping_sub(self.sequence) < 1 << 31;
        if journal_number(block, 0) != MAGIC || journal_number(block, 4) != COMMIT || !is_new {
            return false;
        }
        let checksum = |block: &[u8]| {
            let before = crc32c(crc32c(self.seed, &block[..CHECKSUM]), &[0; 4]);
            crc32c(before, &block[CHECKSUM + 4..])
        };
        let stored = journal_number(block, CHECKSUM);
        if checksum(block) == stored {
            return false;
        }
        block[SECTOR..].fill(0);
        checksum(block) == stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::{MemoryDevice, SectorSize};
    use std::process::Command;
    use tempfile::NamedTempFile;

    /// A filesystem with two transactions to be replayed, as `debugfs` makes them.
    fn dirty(block_size: &str) -> Vec<u8> {
        let file = NamedTempFile::new().unwrap();
        file.as_file().set_len(32 << 20).unwrap();
        let mut mke2fs = Command::new("/sbin/mke2fs");
        mke2fs.args(["-q", "-F", "-t", "ext4", "-b", block_size, "-J", "size=4", "-O", "metadata_csum"]);
        assert!(mke2fs.arg(file.path()).status().unwrap().success());
        let content = NamedTempFile::new().unwrap();
        std::fs::write(content.path(), vec![0xa5; 8192]).unwrap();
        let script = NamedTempFile::new().unwrap();
        let write = |block| format!("jo -c -v 3\njw -b {block} {}\njc\n", content.path().display());
        std::fs::write(script.path(), write(7000) + &write(7004)).unwrap();
        let mut debugfs = Command::new("/sbin/debugfs");
        let done = debugfs.arg("-w").arg("-f").arg(script.path()).arg(file.path()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        std::fs::read(file.path()).unwrap()
    }

    /// Where the commit blocks are.
    fn commits(image: &[u8], block_size: usize) -> Vec<usize> {
        let starts = (0..image.len()).step_by(block_size);
        let header = [MAGIC.to_be_bytes(), COMMIT.to_be_bytes()].concat();
        starts.filter(|at| image[*at..].starts_with(&header)).collect()
    }

    fn mended(image: &[u8], sector_size: SectorSize) -> (bool, Vec<u8>) {
        let device = MemoryDevice::from_bytes(image.to_vec(), sector_size);
        (mend(&device).unwrap(), device.snapshot())
    }

    #[test]
    fn a_torn_commit_block_becomes_the_one_that_was_written() {
        for block_size in [1024, 4096] {
            let whole = dirty(&block_size.to_string());
            let commits = commits(&whole, block_size);
            assert!(!commits.is_empty());
            assert_eq!(mended(&whole, SectorSize::S512), (false, whole.clone()));
            for at in commits {
                let mut torn = whole.clone();
                torn[at + block_size - SECTOR..][..SECTOR].fill(0x77);
                for sector_size in
                    [512, block_size as u32].map(|bytes| SectorSize::from_bytes(bytes).unwrap())
                {
                    assert_eq!(mended(&torn, sector_size), (true, whole.clone()));
                }
            }
        }
    }

    #[test]
    fn a_journal_that_is_said_to_lie_beyond_all_disks_is_none() {
        let mut image = vec![0; 1 << 20];
        let superblock = &mut image[SUPERBLOCK..][..1024];
        superblock[0x38..0x3a].copy_from_slice(&[0x53, 0xef]);
        // Blocks of 64 KiB, and the last one of them that 48 bits can name.
        superblock[0x18] = 6;
        superblock[0xfd] = 1;
        superblock[0x10c..0x110].copy_from_slice(&[0x0a, 0xf3, 1, 0]);
        superblock[0x11c] = 1;
        superblock[0x11e..0x124].fill(0xff);
        assert_eq!(mended(&image, SectorSize::S512), (false, image.clone()));
    }

    #[test]
    fn a_commit_block_that_is_damaged_in_another_way_stays_as_it_is() {
        let whole = dirty("4096");
        let at = commits(&whole, 4096)[0];
        for place in [CHECKSUM, 0x38, 9] {
            let mut damaged = whole.clone();
            damaged[at + place] ^= 1;
            damaged[at + 2048] ^= 1;
            assert_eq!(mended(&damaged, SectorSize::S512), (false, damaged.clone()), "{place}");
        }
        for nothing in [vec![0; 1 << 20], vec![0xff; 1 << 20], vec![0; 512], whole[..8192].to_vec()] {
            assert_eq!(mended(&nothing, SectorSize::S512), (false, nothing.clone()));
        }
    }
}
