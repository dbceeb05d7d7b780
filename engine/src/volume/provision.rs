//! Making the `data` volume on a blank partition, so that a cut of power at any moment loses nothing.

use crate::error::Error;
use crate::machine::Device;
use drydock_block::{BlockDevice, Flush, Section, is_erased, read_vec};
use std::io;

/// A partition is blank if this much of its start is erased.
const BLANK: usize = 1 << 20;
/// Stands in the partition's last block while a volume is being made. Nothing that is made uses that block
/// before the mark has gone.
const MARK: &[u8; 64] = b"drydock: this volume is being made and holds nothing of value\n\0\0";
const BLOCK: u64 = 4096;
const EXT4_MAGIC_AT: usize = 1024 + 0x38;
const EXT4_MAGIC: [u8; 2] = [0x53, 0xef];

/// What is on a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing: it begins with a MiB of zeros, or of ones, as an erased eMMC reads.
    Blank,
    /// A volume that was being made when the power went. There is nothing to lose.
    Unfinished,
    /// Something.
    Used,
}

/// Returns what is on a partition.
pub fn content(partition: &dyn BlockDevice) -> Result<Content, Error> {
    let look = || -> io::Result<Content> {
        let start = read_vec(partition, 0, BLANK.min(partition.size() as usize))?;
        let marked = read_vec(partition, mark_at(partition), MARK.len())? == MARK;
        // A filesystem that is there is used, whatever some file in it looks like.
        if marked && start.get(EXT4_MAGIC_AT..).is_none_or(|rest| !rest.starts_with(&EXT4_MAGIC)) {
            return Ok(Content::Unfinished);
        }
        Ok(if is_erased(&start) { Content::Blank } else { Content::Used })
    };
    look().map_err(Error::doing("look at a volume"))
}

/// Marks the partition as [`Content::Unfinished`]; durable on return.
pub fn begin(partition: &dyn BlockDevice) -> Result<(), Error> {
    let mut block = vec![0; BLOCK as usize];
    block[..MARK.len()].copy_from_slice(MARK);
    set_mark(partition, &block)
}

/// Takes the mark away; durable on return. From now on the volume holds data.
pub fn finish(partition: &dyn BlockDevice) -> Result<(), Error> {
    set_mark(partition, &vec![0; BLOCK as usize])
}

/// Returns the partition up to the mark. What makes a volume is given this: it may wipe all that it sees, as LUKS does on a
/// small partition where a format was begun before, and the mark must outlive that.
pub fn before_mark(partition: Device) -> Result<Section<Device>, Error> {
    let end = mark_at(&partition);
    Section::new(partition, 0, end).map_err(Error::doing("look at a volume"))
}

fn set_mark(partition: &dyn BlockDevice, block: &[u8]) -> Result<(), Error> {
    let write = || {
        partition.write_at(mark_at(partition), block)?;
        partition.flush(Flush::FilesystemWritten)
    };
    write().map_err(Error::doing("mark a volume as being made"))
}

fn mark_at(partition: &dyn BlockDevice) -> u64 {
    (partition.size() / BLOCK).saturating_sub(1) * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::ext4;
    use drydock_block::{MemoryDevice, SectorSize};
    use drydock_luks::{Cost, FormatOptions, Limits, Volume, new_headers, write_headers};
    use std::sync::Arc;

    #[test]
    fn a_volume_is_unfinished_from_the_first_act_to_the_last() {
        for sector_size in [SectorSize::S512, SectorSize::S4096] {
            let device = MemoryDevice::new((4 << 20) + u64::from(sector_size.bytes()), sector_size);
            assert_eq!(content(&device).unwrap(), Content::Blank);
            begin(&device).unwrap();
            assert_eq!(content(&device).unwrap(), Content::Unfinished);
            device.write_at(4096, &[1; 4096]).unwrap();
            assert_eq!(content(&device).unwrap(), Content::Unfinished);
            finish(&device).unwrap();
            assert_eq!(content(&device).unwrap(), Content::Used);
        }
    }

    #[test]
    fn a_format_that_was_begun_before_leaves_the_mark_where_it_is() {
        let partition: Device = Arc::new(MemoryDevice::new(4 << 20, SectorSize::S512));
        begin(&partition).unwrap();
        let options =
            FormatOptions { data_offset: 1 << 20, ..FormatOptions::new(Cost::Pbkdf2 { iterations: 1000 }) };
        let mut random = |buffer: &mut [u8]| {
            buffer.fill(9);
            Ok(())
        };
        let (headers, _) = new_headers(partition.size(), b"key", &options, &mut random).unwrap();
        // The headers of an earlier try, which was cut: what is wiped before the next one ends far behind the partition.
        partition.write_at(16 << 10, &[&b"SKUL\xba\xbe"[..], &[0; 506]].concat()).unwrap();
        write_headers(&before_mark(partition.clone()).unwrap(), &headers).unwrap();
        assert_eq!(content(&partition).unwrap(), Content::Unfinished);
        // The volume is as large as if it had been given the whole partition.
        let volume = Volume::open(&partition, &Limits::new(u64::MAX)).unwrap();
        let unlocked = volume.unlock(b"key").unwrap();
        assert_eq!(unlocked.payload_size().bytes(), 3 << 20);
    }

    #[test]
    fn a_file_that_looks_like_the_mark_endangers_no_filesystem() {
        let device = MemoryDevice::new(32 << 20, SectorSize::S512);
        let identity = ext4::Identity { uuid: [1; 16], hash_seed: [2; 16] };
        ext4::format(&device, &identity).unwrap();
        begin(&device).unwrap();
        assert_eq!(content(&device).unwrap(), Content::Used);
    }

    #[test]
    fn one_byte_makes_a_partition_used() {
        for erased in [0, 0xff] {
            let mut bytes = vec![erased; 2 << 20];
            assert_eq!(
                content(&MemoryDevice::from_bytes(bytes.clone(), SectorSize::S512)).unwrap(),
                Content::Blank
            );
            bytes[BLANK - 1] ^= 1;
            assert_eq!(content(&MemoryDevice::from_bytes(bytes, SectorSize::S512)).unwrap(), Content::Used);
        }
    }
}
