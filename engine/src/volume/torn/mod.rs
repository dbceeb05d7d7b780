//! What a power cut can tear in an ext4, so that the kernel does not mount it any more: without `e2fsck` on the device it is
//! for drydock to mend.

pub mod journal;
pub mod superblock;

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The size of a block in bytes, if this is a superblock.
fn block_size(superblock: &[u8]) -> Option<u64> {
    const MAGIC: u64 = 0xef53;
    let log_block_size = number(superblock, 0x18, 4);
    (number(superblock, 0x38, 2) == MAGIC && log_block_size <= 6).then(|| 1024 << log_block_size)
}

/// A big-endian number of four bytes, as the journal has them.
fn journal_number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
