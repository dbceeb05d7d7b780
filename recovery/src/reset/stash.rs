//! The stash: what must outlive a factory reset while `data` is neither the old volume nor yet the new one.
//!
//! On its raw partition lie one block with a header and, from byte 4096 on, the new volume's LUKS header with its key
//! slot, followed by what is kept, sealed under a key of the new volume. The header carries the payload's checksum, so
//! header and payload are committed by one flush: unless all of it has arrived there is no stash.

use crate::error::Error;
use drydock_block::{BlockDevice, Flush, read_vec};
use drydock_format::sha256;
use std::io;

const MAGIC: &[u8; 8] = b"DRYDOCKH";
const VERSION: u32 = 1;
const HEADER: usize = 512;
const CHECKSUM: usize = 480;
/// The payload begins here, in bytes.
const PAYLOAD: usize = 4096;
/// No LUKS header that drydock makes is larger, with its key slot.
const MAX_HEADERS: u64 = 1 << 20;

/// What is in the stash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stash {
    /// The intent that it belongs to.
    pub intent: u64,
    /// The beginning of the new volume: headers and key slot.
    pub headers: Vec<u8>,
    /// What is kept, sealed.
    pub sealed: Vec<u8>,
}

impl Stash {
    /// Puts it on the partition. On return it is on stable storage, and was read back.
    pub fn commit(&self, partition: &dyn BlockDevice) -> Result<(), Error> {
        let bytes = self.encode();
        if bytes.len() as u64 > partition.size() {
            return Err(Error::Refused(format!(
                "what is to be kept needs a stash of {} bytes, this one has {}; keep less, or make `stash` larger",
                bytes.len(),
                partition.size()
            )));
        }
        let write = || {
            partition.write_at(0, &bytes)?;
            partition.flush(Flush::StashCommitted)?;
            partition.drop_caches()?;
            Ok(read_vec(partition, 0, bytes.len())? == bytes)
        };
        match write().map_err(uncommitted("writing"))? {
            true => Ok(()),
            false => Err(uncommitted("reading back")(io::ErrorKind::InvalidData.into())),
        }
    }

    /// What is committed on the partition, if anything is.
    pub fn read(partition: &dyn BlockDevice) -> Result<Option<Self>, Error> {
        let header = read_vec(partition, 0, HEADER).map_err(failed("reading"))?;
        let Some((headers, sealed, intent)) = lengths(&header) else { return Ok(None) };
        let room = partition.size().saturating_sub(PAYLOAD as u64);
        if headers > MAX_HEADERS || sealed > room || headers + sealed > room {
            return Ok(None);
        }
        let payload = read_vec(partition, PAYLOAD as u64, (headers + sealed) as usize);
        let mut payload = payload.map_err(failed("reading"))?;
        if sha256(&payload).0 != header[32..64] {
            return Ok(None);
        }
        let sealed = payload.split_off(headers as usize);
        Ok(Some(Self { intent, headers: payload, sealed }))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; PAYLOAD];
        bytes.extend_from_slice(&self.headers);
        bytes.extend_from_slice(&self.sealed);
        let digest = sha256(&bytes[PAYLOAD..]);
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.headers.len() as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&(self.sealed.len() as u64).to_le_bytes());
        bytes[24..32].copy_from_slice(&self.intent.to_le_bytes());
        bytes[32..64].copy_from_slice(&digest.0);
        let checksum = sha256(&bytes[..CHECKSUM]);
        bytes[CHECKSUM..HEADER].copy_from_slice(&checksum.0);
        bytes
    }
}

/// Takes the stash away. On return that is on stable storage.
pub fn clear(partition: &dyn BlockDevice) -> Result<(), Error> {
    let write = || {
        partition.write_at(0, &[0; PAYLOAD])?;
        partition.flush(Flush::StashCleared)
    };
    write().map_err(failed("clearing"))
}

/// The lengths of the LUKS headers and of what is sealed, and the intent; nothing if this is no header.
fn lengths(header: &[u8]) -> Option<(u64, u64, u64)> {
    let number = |at: usize| header.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let half = |at: usize| header.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let whole = header.starts_with(MAGIC)
        && half(8)? == VERSION
        && header.get(CHECKSUM..HEADER)? == sha256(&header[..CHECKSUM]).0;
    if whole { Some((u64::from(half(12)?), number(16)?, number(24)?)) } else { None }
}

/// Before the stash is committed the old volume is whole; afterwards nothing of the kind can be said.
fn uncommitted(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    Error::system(doing, "the stash", "check the disk; nothing was destroyed")
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    Error::system(doing, "the stash", "check the disk")
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::MemoryDevice;

    #[test]
    fn a_stash_is_there_as_a_whole_or_not_at_all() {
        let stash = Stash { intent: 7, headers: vec![1; 5000], sealed: vec![2; 9000] };
        let device = MemoryDevice::new(64 << 10, 512);
        assert_eq!(Stash::read(&device).unwrap(), None);
        stash.commit(&device).unwrap();
        assert_eq!(Stash::read(&device).unwrap(), Some(stash.clone()));
        for at in [0, 13, 17, 25, 40, 481, 4096, 4096 + 5000, 4096 + 13_999] {
            let mut bytes = device.snapshot();
            bytes[at] ^= 1;
            assert_eq!(Stash::read(&MemoryDevice::from_bytes(bytes, 512)).unwrap(), None, "byte {at}");
        }
        clear(&device).unwrap();
        assert_eq!(Stash::read(&device).unwrap(), None);
    }

    #[test]
    fn a_stash_that_does_not_fit_is_refused_and_nothing_is_written() {
        let device = MemoryDevice::new(8 << 10, 512);
        let error = Stash { intent: 1, headers: vec![1; 5000], sealed: vec![] }.commit(&device).unwrap_err();
        assert!(error.to_string().contains("keep less"), "{error}");
        assert!(device.snapshot().iter().all(|byte| *byte == 0));
    }
}
