//! One replica of the state record: a checksummed header, and the record as JSON.

use crate::error::Error as StateError;
use crate::record::Record;
use drydock_block::header::{self, CheckedHeader, Kind};
use drydock_block::{BlockDevice, Error, read_vec};

pub(crate) const WHAT: &str = "state record";
const KIND: Kind = Kind { what: WHAT, magic: *b"DRYDOCKS", version: 1 };
/// Where the header has its fields, in bytes.
const LENGTH: usize = 12;
const SEQUENCE: usize = 16;
const DIGEST: usize = 24;
/// The payload follows its header at this distance, in bytes.
const PAYLOAD_AT: usize = 4096;
const PAYLOAD_LIMIT: usize = 256 * 1024;
/// The room that a replica takes at most, in bytes.
pub(crate) const ROOM: u64 = (PAYLOAD_AT + PAYLOAD_LIMIT) as u64;

/// What was found at one replica's place.
#[derive(Debug)]
pub enum Replica {
    /// A whole record with its sequence number.
    Valid {
        /// Counts the writes; the higher one is the newer one.
        sequence: u64,
        /// The record.
        record: Box<Record>,
    },
    /// Nothing usable, with the reason: blank, half written or garbage.
    Invalid(Error),
    /// The device would not read it, or a later drydock wrote it: it may be whole, so nothing may be
    /// written over it.
    Unreadable(Error),
}

/// Returns a replica's bytes: header, padding, payload.
pub fn encode_replica(sequence: u64, record: &Record) -> Result<Vec<u8>, StateError> {
    let payload = serde_json::to_vec(record)
        .map_err(|e| StateError::Refused(format!("the state can't be encoded: {e}")))?;
    if payload.len() > PAYLOAD_LIMIT {
        return Err(
            Error::TooLarge { what: WHAT, size: payload.len() as u64, room: PAYLOAD_LIMIT as u64 }.into()
        );
    }
    let header = KIND.builder().u32(LENGTH, payload.len() as u32).u64(SEQUENCE, sequence);
    let mut bytes = header.digest_of(DIGEST, &payload).finish().to_vec();
    bytes.resize(PAYLOAD_AT, 0);
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Reads the replica that stands at an offset in bytes.
pub(crate) fn read_replica(device: &impl BlockDevice, offset: u64) -> Replica {
    let unreadable = |source| Replica::Unreadable(Error::Read { what: WHAT, source });
    let header = match read_vec(device, offset, header::SIZE) {
        Ok(header) => header,
        Err(source) => return unreadable(source),
    };
    match decode_header(&header) {
        Ok((_, len)) => match read_vec(device, offset, PAYLOAD_AT + len) {
            Ok(bytes) => decode_replica(&bytes),
            Err(source) => unreadable(source),
        },
        Err(reason) => invalid(reason),
    }
}

/// Decodes one replica's bytes, header and payload.
pub fn decode_replica(bytes: &[u8]) -> Replica {
    let (header, len) = match decode_header(bytes) {
        Ok(found) => found,
        Err(reason) => return invalid(reason),
    };
    let Some(payload) = bytes.get(PAYLOAD_AT..PAYLOAD_AT + len) else {
        return invalid(KIND.damaged("it is cut off"));
    };
    if !header.is_of(DIGEST, payload) {
        return invalid(KIND.damaged("its checksum does not match, it was written only in part"));
    }
    match drydock_json::from_slice(payload) {
        Ok(record) => Replica::Valid { sequence: header.u64(SEQUENCE), record: Box::new(record) },
        // The checksum holds, so a drydock wrote it; one that we don't understand must be a later one.
        Err(_) => Replica::Unreadable(Error::LaterVersion {
            what: WHAT,
            found: KIND.version + 1,
            known: KIND.version,
        }),
    }
}

fn invalid(reason: Error) -> Replica {
    match reason {
        Error::LaterVersion { .. } => Replica::Unreadable(reason),
        _ => Replica::Invalid(reason),
    }
}

/// Checks a header. Returns it with the payload's length in bytes.
fn decode_header(bytes: &[u8]) -> Result<(CheckedHeader, usize), Error> {
    let header = KIND.decode(bytes)?;
    match header.u32(LENGTH) as usize {
        len if len > PAYLOAD_LIMIT => Err(KIND.damaged("its length makes no sense")),
        len => Ok((header, len)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_format::sha256;

    #[test]
    fn the_bytes_on_the_disk_are_those_of_every_version_so_far() {
        let bytes = encode_replica(0x0102_0304_0506_0708, &Record::default()).unwrap();
        assert_eq!(
            sha256(&bytes[..PAYLOAD_AT]).to_string(),
            "52f7068db34af8dc420ed9e2f587172a766da3a039b723b840ba59a3018d0016"
        );
    }
}
