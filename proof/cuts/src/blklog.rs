//! The logs of QEMU's driver `blklogwrites` (block/blklogwrites.c), in the format of the kernel's dm-log-writes.
//!
//! A superblock, then entries: one sector that says what was done, and for a write the data.

use drydock_block::{SectorSize, Sectors};
use std::fs::File;
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
/// The only sector size that is asked for.
pub const SECTOR: SectorSize = SectorSize::S512;
const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

/// Something that a disk was asked to do.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Whole sectors were written. A discard is one of zeros.
    Write {
        /// Where, in bytes.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// Everything before is on the medium.
    Flush,
}

/// Reads a log. One that was never written to has no entries.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let file = File::open(path)?;
    let damaged = |what: String| Error::new(ErrorKind::InvalidData, format!("{}: {what}", path.display()));
    let [magic, version, count] = words(&file, 0)?;
    if magic == 0 {
        return Ok(Vec::new());
    }
    if (magic, version) != (MAGIC, VERSION) {
        return Err(damaged("it is no log of blklogwrites".into()));
    }
    let mut at = Sectors(1).bytes();
    let mut entries = Vec::with_capacity(count as usize);
    for n in 0..count {
        let [sector, sectors, flags] = words(&file, at)?;
        at += Sectors(1).bytes();
        let mut bytes = vec![0; Sectors(sectors).bytes() as usize];
        match flags {
            FLUSH if sectors == 0 => {
                entries.push(Entry::Flush);
                continue;
            }
            0 => {
                file.read_exact_at(&mut bytes, at)?;
                at += bytes.len() as u64;
            }
            DISCARD => {}
            _ => return Err(damaged(format!("entry {n} has the unknown flags {flags}"))),
        }
        entries.push(Entry::Write { offset: Sectors(sector).bytes(), bytes: bytes.into() });
    }
    Ok(entries)
}

fn words(file: &File, at: u64) -> io::Result<[u64; 3]> {
    let mut bytes = [0; 24];
    file.read_exact_at(&mut bytes, at)?;
    let word = |n: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[8 * n + i]));
    Ok([word(0), word(1), word(2)])
}
