//! What the kernel makes of an ext4 when it is to mount it: the checks that a torn write fails.
//!
//! Source: fs/ext4/super.c and fs/jbd2/recovery.c of Linux 6.1, and its Documentation/filesystems/ext4/.

use drydock_block::{BlockDevice, read_vec};

/// Where the superblock is, and its size.
const SUPERBLOCK: usize = 1024;
/// Where it has its checksum.
const CHECKSUM: usize = 0x3fc;
/// A journal is to be replayed.
const NEEDS_RECOVERY: u64 = 0x4;
const JOURNAL_INODE: u64 = 8;
const JOURNAL_MAGIC: u32 = 0xc03b_3998;
/// Checksums of version 3, the only ones that are known here.
const JOURNAL_CHECKSUMS: u32 = 0x10;

/// CRC-32C as ext4 has it, begun with `crc`.
pub fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    })
}

/// The checksum that a superblock (1024 bytes) should have.
pub fn checksum(superblock: &[u8]) -> [u8; 4] {
    crc32c(!0, &superblock[..CHECKSUM]).to_le_bytes()
}

/// Whether this begins as an ext4 does.
pub fn is_ext4(device: &dyn BlockDevice) -> bool {
    read_vec(device, 0, 2 * SUPERBLOCK).is_ok_and(|start| start[SUPERBLOCK + 0x38..][..2] == [0x53, 0xef])
}

/// Why the kernel would not mount the ext4 on this device, if it would not.
pub fn mount(device: &dyn BlockDevice) -> Result<(), String> {
    let error = |error: std::io::Error| error.to_string();
    let start = read_vec(device, 0, 2 * SUPERBLOCK).map_err(error)?;
    let superblock = &start[SUPERBLOCK..];
    if superblock[CHECKSUM..] != checksum(superblock) {
        return Err("the checksum of its superblock is wrong".into());
    }
    if number(superblock, 0x60, 4) & NEEDS_RECOVERY == 0 {
        return Ok(());
    }
    let block_size = 1024 << number(superblock, 0x18, 4);
    let block = |nth: u64| read_vec(device, nth * block_size as u64, block_size).map_err(error);
    // The inode of the journal, and in it its extents.
    let descriptors = block(number(superblock, 0x14, 4) + 1)?;
    let at = (JOURNAL_INODE - 1) * number(superblock, 0x58, 2);
    let inode =
        block(number(&descriptors, 8, 4) + at / block_size as u64)?[at as usize % block_size..].to_vec();
    let extents = &inode[40..];
    let extent = |nth: usize| {
        let extent = &extents[12 + nth * 12..];
        let first = number(extent, 8, 4) | number(extent, 6, 2) << 32;
        first..first + number(extent, 4, 2)
    };
    let blocks: Vec<u64> = (0..number(extents, 2, 2) as usize).flat_map(extent).collect();
    let blocks: Result<Vec<_>, _> = blocks.into_iter().map(block).collect();
    scan(&blocks?)
}

/// Goes through the journal from the first transaction that is to be replayed, as the kernel's first pass does.
fn scan(blocks: &[Vec<u8>]) -> Result<(), String> {
    let head = &blocks[0];
    let (len, first) = (word(head, 0x10) as usize, word(head, 0x14) as usize);
    let (mut sequence, mut at) = (word(head, 0x18), word(head, 0x1c) as usize);
    if at == 0 || word(head, 0x28) & JOURNAL_CHECKSUMS == 0 {
        return Ok(());
    }
    let seed = crc32c(!0, &head[0x30..0x40]);
    for _ in 0..len {
        let block = &blocks[at];
        if word(block, 0) != JOURNAL_MAGIC || word(block, 8) != sequence {
            return Ok(());
        }
        at += match word(block, 4) {
            1 => 1 + tags(block),
            2 if is_whole(seed, block) => {
                sequence += 1;
                1
            }
            2 => return Err(format!("transaction {sequence} of its journal is corrupt")),
            5 => 1,
            _ => return Ok(()),
        };
        if at >= len {
            at = at - len + first;
        }
    }
    Ok(())
}

/// The number of blocks that a descriptor tells of.
fn tags(block: &[u8]) -> usize {
    let (mut at, mut count) = (12, 0);
    loop {
        let flags = word(block, at + 4);
        count += 1;
        at += if flags & 2 == 0 { 32 } else { 16 };
        if flags & 8 != 0 || at + 16 > block.len() {
            return count;
        }
    }
}

fn is_whole(seed: u32, commit: &[u8]) -> bool {
    let mut without = commit.to_vec();
    without[0x10..0x14].fill(0);
    crc32c(seed, &without) == word(commit, 0x10)
}

fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
