//! One copy of the state record: a checksummed header, and the record as JSON.

use crate::error::Error as StateError;
use crate::record::Record;
use drydock_block::{BlockDevice, Error, read_vec};
use sha2::{Digest, Sha256};

pub(crate) const WHAT: &str = "state record";
const MAGIC: &[u8; 8] = b"DRYDOCKS";
const VERSION: u32 = 1;
/// The payload follows its header at this distance, in bytes.
const PAYLOAD_AT: usize = 4096;
const PAYLOAD_LIMIT: usize = 256 * 1024;
/// The room that a copy takes at most, in bytes.
pub(crate) const ROOM: u64 = (PAYLOAD_AT + PAYLOAD_LIMIT) as u64;

/// What was found at one copy's place.
#[derive(Debug)]
pub enum Copy {
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

/// One copy's bytes: header, padding, payload.
pub fn encode_copy(sequence: u64, record: &Record) -> Result<Vec<u8>, StateError> {
    let payload = serde_json::to_vec(record)
        .map_err(|e| StateError::Refused(format!("the state can't be encoded: {e}")))?;
    if payload.len() > PAYLOAD_LIMIT {
        return Err(
            Error::TooLarge { what: WHAT, size: payload.len() as u64, room: PAYLOAD_LIMIT as u64 }.into()
        );
    }
    let mut bytes = vec![0; PAYLOAD_AT];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&sequence.to_le_bytes());
    bytes[24..56].copy_from_slice(&Sha256::digest(&payload));
    let checksum = Sha256::digest(&bytes[..480]);
    bytes[480..512].copy_from_slice(&checksum);
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Reads the copy that stands at an offset in bytes.
pub(crate) fn read_copy(device: &impl BlockDevice, offset: u64) -> Copy {
    let unreadable = |source| Copy::Unreadable(Error::Read { what: WHAT, source });
    let header = match read_vec(device, offset, 512) {
        Ok(header) => header,
        Err(source) => return unreadable(source),
    };
    match decode_header(&header) {
        Ok(len) => match read_vec(device, offset, PAYLOAD_AT + len) {
            Ok(bytes) => decode_copy(&bytes),
            Err(source) => unreadable(source),
        },
        Err(reason) => invalid(reason),
    }
}

/// Decodes one copy's bytes, header and payload.
pub fn decode_copy(bytes: &[u8]) -> Copy {
    let len = match decode_header(bytes) {
        Ok(len) => len,
        Err(reason) => return invalid(reason),
    };
    let Some(payload) = bytes.get(PAYLOAD_AT..PAYLOAD_AT + len) else {
        return invalid(damaged("it is cut off"));
    };
    if Sha256::digest(payload)[..] != bytes[24..56] {
        return invalid(damaged("its checksum does not match, it was written only in part"));
    }
    let mut sequence = [0; 8];
    sequence.copy_from_slice(&bytes[16..24]);
    match serde_json::from_slice(payload) {
        Ok(record) => Copy::Valid { sequence: u64::from_le_bytes(sequence), record: Box::new(record) },
        // The checksum holds, so a drydock wrote it; one that we don't understand must be a later one.
        Err(_) => Copy::Unreadable(Error::LaterVersion { what: WHAT, found: VERSION + 1, known: VERSION }),
    }
}

fn invalid(reason: Error) -> Copy {
    match reason {
        Error::LaterVersion { .. } => Copy::Unreadable(reason),
        _ => Copy::Invalid(reason),
    }
}

/// Checks a header and gives the payload's length.
fn decode_header(header: &[u8]) -> Result<usize, Error> {
    if header.len() < 512 || header[..8] != MAGIC[..] {
        return Err(damaged("there is none"));
    }
    if Sha256::digest(&header[..480])[..] != header[480..512] {
        return Err(damaged("its header's checksum does not match"));
    }
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if word(8) > VERSION {
        return Err(Error::LaterVersion { what: WHAT, found: word(8), known: VERSION });
    }
    let len = word(12) as usize;
    if len > PAYLOAD_LIMIT { Err(damaged("its length makes no sense")) } else { Ok(len) }
}

fn damaged(why: &str) -> Error {
    Error::Damaged { what: WHAT, why: why.to_owned() }
}
