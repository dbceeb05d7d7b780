//! Reading a GUID partition table, from any [`BlockDevice`].
//!
//! The `gpt` crate parses header and entries; this module brings it the bytes. It does so copy by copy, so that
//! the backup serves when the primary header *or* its array of entries is damaged (the crate by itself looks
//! at the header only), it reads headers of more than 92 bytes, and it turns away what the crate would panic on or
//! allocate gigabytes for.

use drydock_block::{BlockDevice, read_vec};
use gpt::disk::LogicalBlockSize;
use gpt::{header, partition};
use std::io::{self, Cursor};
use std::{fmt, result};

/// More entries than this are refused. 128 is what everybody makes.
const MAX_ENTRIES: u32 = 1024;
/// The only entry size that anybody makes, and the only one that Linux and the crate read.
const ENTRY_SIZE: u32 = 128;
/// The bytes of a header that mean something. UEFI allows a header of up to a sector, and the checksum is of all of it.
const HEADER_SIZE: usize = 92;
/// Where a header has its own size and checksum (UEFI 2.10, table 5.5).
const SIZE_AT: usize = 12;
const CHECKSUM_AT: usize = 16;

/// A partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The disk's GUID, in lower case with hyphens.
    pub disk_guid: String,
    /// The partitions, by index.
    pub partitions: Vec<Partition>,
    /// Which copy it was read from.
    pub copy: Copy,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, counted from 1.
    pub index: u32,
    /// Its name in the table.
    pub label: String,
    /// Its first byte.
    pub start: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// One of the two copies of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// The one at the disk's start.
    Primary,
    /// The one at the disk's end. The primary is damaged.
    Backup,
}

/// Why a partition table could not be read.
#[derive(Debug)]
pub enum Error {
    /// The disk could not be read.
    Io(io::Error),
    /// The disk has neither of the two headers: no partition table.
    None,
    /// Both copies are damaged.
    Damaged {
        /// What is wrong with the first.
        primary: String,
        /// What is wrong with the second.
        backup: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::None => f.write_str("there is no GUID partition table"),
            Self::Damaged { primary, backup } => {
                write!(f, "both copies are damaged (first: {primary}; backup: {backup})")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Reads the table of a whole disk, whose sector size is the device's. Nothing is written, so a damaged copy
/// stays as it is.
pub fn read(disk: &(impl BlockDevice + ?Sized)) -> result::Result<Table, Error> {
    let sector = u64::from(disk.sector_size());
    let lb_size = LogicalBlockSize::try_from(sector).map_err(Error::Io)?;
    let sectors = disk.size() / sector;
    if sectors < 6 {
        return Err(Error::None);
    }
    let primary = match read_copy(disk, lb_size, 1, Copy::Primary) {
        Ok(table) => return Ok(table),
        Err(Damage::Io(error)) => return Err(Error::Io(error)),
        Err(Damage::Found(what, header)) => (what, header),
    };
    // The backup belongs into the last sector; an image that was written to a larger disk has it where the
    // first header says.
    let named = primary.1.map(|header| header.backup_lba).filter(|&lba| lba > 1 && lba < sectors - 1);
    let mut backup = None;
    for lba in [Some(sectors - 1), named].into_iter().flatten() {
        match read_copy(disk, lb_size, lba, Copy::Backup) {
            Ok(table) => return Ok(table),
            Err(Damage::Io(error)) => return Err(Error::Io(error)),
            Err(Damage::Found(what, _)) => backup = backup.or(what),
        }
    }
    match (primary.0, backup) {
        (None, None) => Err(Error::None),
        (primary, backup) => {
            let text = |what: Option<String>| what.unwrap_or_else(|| "not there".into());
            Err(Error::Damaged { primary: text(primary), backup: text(backup) })
        }
    }
}

/// Why a copy is of no use: what is wrong, or nothing where there is no header at all; and the header if only
/// the entries are bad.
enum Damage {
    Io(io::Error),
    Found(Option<String>, Option<Box<header::Header>>),
}

fn read_copy(
    disk: &(impl BlockDevice + ?Sized),
    lb_size: LogicalBlockSize,
    lba: u64,
    copy: Copy,
) -> result::Result<Table, Damage> {
    let sector = lb_size.as_usize();
    // The crate looks for the header in the second sector of what it is given.
    let mut view = vec![0; sector];
    let mut block = read_vec(disk, lba * sector as u64, sector).map_err(Damage::Io)?;
    shorten(&mut block).map_err(|what| Damage::Found(Some(what), None))?;
    view.extend(block);
    let mut header = match header::read_header_from_arbitrary_device(&mut Cursor::new(view), lb_size) {
        Ok(header) => header,
        Err(header::HeaderError::InvalidGptSignature) => return Err(Damage::Found(None, None)),
        Err(error) => return Err(Damage::Found(Some(error.to_string()), None)),
    };
    let entries = u64::from(header.num_parts) * u64::from(ENTRY_SIZE);
    let start = header.part_start.checked_mul(sector as u64);
    let start = start.filter(|start| start.checked_add(entries).is_some_and(|end| end <= disk.size()));
    if header.part_size != ENTRY_SIZE {
        let what =
            format!("its entries have {} bytes, Linux reads only those of {ENTRY_SIZE}", header.part_size);
        return Err(Damage::Found(Some(what), None));
    }
    let sane = (1..=MAX_ENTRIES).contains(&header.num_parts);
    let (Some(start), true, true) = (start, sane, header.current_lba == lba) else {
        return Err(Damage::Found(Some("the header makes no sense".into()), None));
    };

    let array = read_vec(disk, start, entries as usize).map_err(Damage::Io)?;
    let place = std::mem::replace(&mut header.part_start, 0);
    let partitions = partition::file_read_partitions(&mut Cursor::new(array), &header, lb_size)
        .map_err(|error| error.to_string())
        .and_then(|found| {
            let used = found.into_iter().filter(|(_, partition)| partition.is_used());
            used.map(|(index, partition)| convert(index, &partition, lb_size, disk.size())).collect()
        });
    match partitions {
        Ok(partitions) => Ok(Table { disk_guid: header.disk_guid.to_string(), partitions, copy }),
        Err(what) => {
            header.part_start = place;
            Err(Damage::Found(Some(what), Some(Box::new(header))))
        }
    }
}

/// Gives a longer header, if its own checksum is right, the one of its first 92 bytes: the crate sums no more. A block
/// without a header is left alone.
fn shorten(block: &mut [u8]) -> result::Result<(), String> {
    let word = |at: usize| {
        block.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let (size, checksum) = (word(SIZE_AT) as usize, word(CHECKSUM_AT));
    if !block.starts_with(b"EFI PART") || size == HEADER_SIZE {
        return Ok(());
    }
    if !(HEADER_SIZE..=block.len()).contains(&size) {
        return Err(format!("the header says that it has {size} bytes"));
    }
    block[CHECKSUM_AT..CHECKSUM_AT + 4].fill(0);
    if crc32(&block[..size]) != checksum {
        return Err(format!("the checksum of the header's {size} bytes is wrong"));
    }
    let short = crc32(&block[..HEADER_SIZE]).to_le_bytes();
    block[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&short);
    Ok(())
}

/// The CRC-32 of IEEE 802.3, bit by bit: it is of one sector.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}

fn convert(
    index: u32,
    partition: &partition::Partition,
    lb_size: LogicalBlockSize,
    disk_size: u64,
) -> result::Result<Partition, String> {
    let start = partition.bytes_start(lb_size).map_err(|error| error.to_string())?;
    let len = partition.bytes_len(lb_size).map_err(|error| error.to_string())?;
    if start.checked_add(len).is_none_or(|end| end > disk_size) {
        return Err(format!("partition {index} ends beyond the disk"));
    }
    Ok(Partition {
        index,
        // A disk that anybody wrote shall not drive a console.
        label: partition.name.chars().map(|c| if c.is_control() { '?' } else { c }).collect(),
        start,
        len,
    })
}

#[cfg(test)]
#[path = "gpt_tests.rs"]
mod tests;
