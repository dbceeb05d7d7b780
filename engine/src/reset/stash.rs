//! The stash: what must outlive a factory reset while `data` is neither the old volume nor yet the new one.
//!
//! On its raw partition lie one block with a header and, from byte 4096 on, the new volume's LUKS header with its key
//! slot, followed by what is kept, sealed under a key of the new volume. The header carries the payload's checksum, so
//! header and payload are committed by one flush: unless all of it has arrived there is no stash.

use crate::error::Error;
use drydock_block::header::{self, Kind};
use drydock_block::{BlockDevice, Flush, read_vec};
use std::io;

const KIND: Kind = Kind { what: "stash", magic: *b"DRYDOCKH", version: 1 };
/// Where the header has its fields, in bytes.
const HEADERS_LEN: usize = 12;
const SEALED_LEN: usize = 16;
const INTENT: usize = 24;
const DIGEST: usize = 32;
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
        let header = read_vec(partition, 0, header::SIZE).map_err(failed("reading"))?;
        // Any other version holds nothing that could be brought back here.
        let known = KIND.decode(&header).ok().filter(|header| header.version() == KIND.version);
        let Some(header) = known else { return Ok(None) };
        let (headers, sealed) = (u64::from(header.u32(HEADERS_LEN)), header.u64(SEALED_LEN));
        let room = partition.size().saturating_sub(PAYLOAD as u64);
        if headers > MAX_HEADERS || sealed > room || headers + sealed > room {
            return Ok(None);
        }
        let payload = read_vec(partition, PAYLOAD as u64, (headers + sealed) as usize);
        let mut payload = payload.map_err(failed("reading"))?;
        if !header.is_of(DIGEST, &payload) {
            return Ok(None);
        }
        let sealed = payload.split_off(headers as usize);
        Ok(Some(Self { intent: header.u64(INTENT), headers: payload, sealed }))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; PAYLOAD];
        bytes.extend_from_slice(&self.headers);
        bytes.extend_from_slice(&self.sealed);
        let header = KIND
            .builder()
            .u32(HEADERS_LEN, self.headers.len() as u32)
            .u64(SEALED_LEN, self.sealed.len() as u64)
            .u64(INTENT, self.intent)
            .digest_of(DIGEST, &bytes[PAYLOAD..])
            .finish();
        bytes[..header::SIZE].copy_from_slice(&header);
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
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
    use drydock_block::{MemoryDevice, SectorSize};
    use drydock_format::sha256;

    #[test]
    fn a_stash_is_there_as_a_whole_or_not_at_all() {
        let stash = Stash { intent: 7, headers: vec![1; 5000], sealed: vec![2; 9000] };
        let device = MemoryDevice::new(64 << 10, SectorSize::S512);
        assert_eq!(Stash::read(&device).unwrap(), None);
        stash.commit(&device).unwrap();
        assert_eq!(Stash::read(&device).unwrap(), Some(stash.clone()));
        for at in [0, 13, 17, 25, 40, 481, 4096, 4096 + 5000, 4096 + 13_999] {
            let mut bytes = device.snapshot();
            bytes[at] ^= 1;
            assert_eq!(
                Stash::read(&MemoryDevice::from_bytes(bytes, SectorSize::S512)).unwrap(),
                None,
                "byte {at}"
            );
        }
        clear(&device).unwrap();
        assert_eq!(Stash::read(&device).unwrap(), None);
    }

    #[test]
    fn a_stash_that_does_not_fit_is_refused_and_nothing_is_written() {
        let device = MemoryDevice::new(8 << 10, SectorSize::S512);
        let error = Stash { intent: 1, headers: vec![1; 5000], sealed: vec![] }.commit(&device).unwrap_err();
        assert!(error.to_string().contains("keep less"), "{error}");
        assert!(device.snapshot().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_bytes_on_the_disk_are_those_of_every_version_so_far() {
        let stash = Stash { intent: 0x0102_0304_0506_0708, headers: vec![1; 5000], sealed: vec![2; 9000] };
        assert_eq!(
            sha256(&stash.encode()).to_string(),
            "633e4c2ff1cd0721da801654a0d98683cae71dbb4ba09c38c6c15f04ec34ce81"
        );
    }
}
