use crate::{Error, Partition, Table, Which};
use drydock_block::{BlockDevice, crc32, read_vec};
use gpt::disk::LogicalBlockSize;
use gpt::{header, partition};
use std::io::{self, Cursor};

/// More entries than this are refused. 128 is what everybody makes.
const MAX_ENTRIES: u32 = 1024;
/// The only entry size that anybody makes, and the only one that Linux and the crate read.
const ENTRY_SIZE: u32 = 128;
/// The bytes of a header that mean something. UEFI allows a header of up to a sector, and the checksum is of all of it.
const HEADER_SIZE: usize = 92;
/// Where a header has its own size and checksum (UEFI 2.10, table 5.5).
const SIZE_AT: usize = 12;
const CHECKSUM_AT: usize = 16;

/// Reads the table of a whole disk, whose sector size is the device's. Nothing is written, so a damaged table
/// stays as it is.
pub fn read(disk: &(impl BlockDevice + ?Sized)) -> Result<Table, Error> {
    let sector = u64::from(disk.sector_size().bytes());
    let lb_size = LogicalBlockSize::try_from(sector).map_err(Error::Io)?;
    let sectors = disk.size() / sector;
    if sectors < 6 {
        return Err(Error::None);
    }
    let primary = match read_one(disk, lb_size, 1, Which::Primary) {
        Ok(table) => return Ok(table),
        Err(Damage::Io(error)) => return Err(Error::Io(error)),
        Err(Damage::Found(what, header)) => (what, header),
    };
    // The backup belongs into the last sector; an image that was written to a larger disk has it where the
    // first header says.
    let named = primary.1.map(|header| header.backup_lba).filter(|&lba| lba > 1 && lba < sectors - 1);
    let mut backup = None;
    for lba in [Some(sectors - 1), named].into_iter().flatten() {
        match read_one(disk, lb_size, lba, Which::Backup) {
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

/// Why a table is of no use: what is wrong, or nothing where there is no header at all; and the header if only
/// the entries are bad.
enum Damage {
    Io(io::Error),
    Found(Option<String>, Option<Box<header::Header>>),
}

fn read_one(
    disk: &(impl BlockDevice + ?Sized),
    lb_size: LogicalBlockSize,
    lba: u64,
    which: Which,
) -> Result<Table, Damage> {
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
        Ok(partitions) => Ok(Table { disk_guid: header.disk_guid.to_string(), partitions, which }),
        Err(what) => {
            header.part_start = place;
            Err(Damage::Found(Some(what), Some(Box::new(header))))
        }
    }
}

/// Gives a longer header, if its own checksum is right, the one of its first 92 bytes: the crate sums no more. A block
/// without a header is left alone.
fn shorten(block: &mut [u8]) -> Result<(), String> {
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

fn convert(
    index: u32,
    partition: &partition::Partition,
    lb_size: LogicalBlockSize,
    disk_size: u64,
) -> Result<Partition, String> {
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
#[path = "tests.rs"]
mod tests;
