//! What the last recovery told, kept in a corner of the partition `state` for whoever asks afterwards.
//!
//! It is no part of the state: nothing is decided by it, and it may be lost.

use crate::replica::ROOM;
use crate::store::replica_offsets;
use drydock_block::header::Kind;
use drydock_block::{BlockDevice, Error, read_vec};

const KIND: Kind = Kind { what: "recovery's log", magic: *b"DRYDOCKL", version: 1 };
const LEN_AT: usize = 12;
const DIGEST_AT: usize = 16;
/// The text follows its header at this distance, in bytes.
const TEXT_AT: u64 = 4096;
/// The text has at most so many bytes.
pub const LOG_LIMIT: usize = 64 * 1024;
/// The room that the log takes, in bytes.
const LOG_ROOM: u64 = TEXT_AT + LOG_LIMIT as u64;

/// Whether the log was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It was.
    Yes,
    /// The partition has no room for it.
    NoRoom,
}

/// Keeps the text in place of an older one. It is not flushed: what is flushed on the way to a reset takes it along. Text
/// beyond [`LOG_LIMIT`] is cut off.
pub fn keep(device: &(impl BlockDevice + ?Sized), text: &[u8]) -> Result<Kept, Error> {
    let Some(at) = place(device.size())? else { return Ok(Kept::NoRoom) };
    let text = &text[..text.len().min(LOG_LIMIT)];
    let header = KIND.builder().u32(LEN_AT, text.len() as u32).digest_of(DIGEST_AT, text).finish();
    let mut bytes = vec![0; TEXT_AT as usize];
    bytes[..header.len()].copy_from_slice(&header);
    bytes.extend_from_slice(text);
    bytes.resize(bytes.len().next_multiple_of(4096), 0);
    let written = device.write_at(at, &bytes);
    written.map_err(|source| Error::Write { what: KIND.what, source })?;
    Ok(Kept::Yes)
}

/// Returns the text that was kept, if there is a whole one.
pub fn read(device: &(impl BlockDevice + ?Sized)) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::Read { what: KIND.what, source };
    let Some(at) = place(device.size())? else { return Ok(None) };
    let start = read_vec(device, at, TEXT_AT as usize).map_err(failed)?;
    let Ok(header) = KIND.decode(&start) else { return Ok(None) };
    let len = header.u32(LEN_AT) as usize;
    if len > LOG_LIMIT {
        return Ok(None);
    }
    let text = read_vec(device, at + TEXT_AT, len).map_err(failed)?;
    Ok(header.is_of(DIGEST_AT, &text).then_some(text))
}

/// Where it is, in bytes: right before the second replica of the record, where its spare place leaves room.
fn place(size: u64) -> Result<Option<u64>, Error> {
    let [_, second] = replica_offsets(size)?;
    let spare_ends = second / 2 + ROOM;
    Ok(second.checked_sub(LOG_ROOM).filter(|at| *at >= spare_ends).map(|at| at / 4096 * 4096))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Generation, Opened, Record, Store};
    use drydock_block::{MemoryDevice, SectorSize};

    #[test]
    fn the_log_is_kept_beside_the_record_and_harms_none_of_its_places() {
        for size in [4 << 20, 8 << 20] {
            let device = MemoryDevice::new(size, SectorSize::S512);
            let record = Record { generation: Generation(7), ..Record::default() };
            let (mut store, _) = Store::open(&device, None).unwrap();
            store.write(&record).unwrap();
            assert_eq!(read(&device).unwrap(), None);
            for text in [vec![b'x'; 10], vec![b'y'; LOG_LIMIT + 5], vec![]] {
                assert_eq!(keep(&device, &text).unwrap(), Kept::Yes);
                assert_eq!(read(&device).unwrap().unwrap(), text[..text.len().min(LOG_LIMIT)]);
            }
            let found = Store::look(&device, None).unwrap();
            assert!(matches!(found, Opened::Found { record: found, .. } if found == record));
        }
    }

    #[test]
    fn a_partition_without_room_has_no_log_and_a_damaged_one_is_none() {
        let small = MemoryDevice::new(1 << 20, SectorSize::S512);
        assert_eq!(keep(&small, b"x").unwrap(), Kept::NoRoom);
        let device = MemoryDevice::new(8 << 20, SectorSize::S512);
        keep(&device, b"what happened").unwrap();
        let at = place(8 << 20).unwrap().unwrap() as usize;
        for at in [at, at + 14, at + TEXT_AT as usize + 3] {
            let mut bytes = device.snapshot();
            bytes[at] ^= 1;
            assert_eq!(read(&MemoryDevice::from_bytes(bytes, SectorSize::S512)).unwrap(), None);
        }
    }
}
