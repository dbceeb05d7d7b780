use crate::error::Error;
use crate::record::Record;
use drydock_block::{BlockDevice, Flush, read_vec};
use sha2::{Digest, Sha256};

const WHAT: &str = "state record";
const MAGIC: &[u8; 8] = b"DRYDOCKS";
const VERSION: u32 = 1;
/// The payload follows its header at this distance, in bytes.
const PAYLOAD_AT: usize = 4096;
const PAYLOAD_LIMIT: usize = 256 * 1024;
/// The copies lie an erase group apart where there is room, so that a worn or interrupted group takes one.
const ERASE_GROUP: u64 = 4 << 20;

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

/// The outcome of [`Store::open`].
#[derive(Debug)]
pub enum Opened {
    /// The newest record.
    Found(Record),
    /// Both places can be read and neither holds a record.
    Lost,
    /// At least one copy can't be read. The other one's record is there to boot by, not to act on.
    Untrusted {
        /// The record of the copy that could be read, if any. It may be one write old.
        record: Option<Record>,
        /// Why the other one could not.
        reason: Error,
    },
}

/// The state record on its raw partition, in two copies.
#[derive(Debug)]
pub struct Store<D> {
    device: D,
    sequence: u64,
    writable: bool,
}

impl<D: BlockDevice> Store<D> {
    /// Reads both copies and, if they differ, makes them equal again: the older or damaged one is replaced
    /// and flushed. Writes nothing where a copy can't be read.
    pub fn open(device: D) -> Result<(Self, Opened), Error> {
        let [first, second] = copy_offsets(device.size())?;
        let copies = [read_copy(&device, first), read_copy(&device, second)];
        let mut store = Self { device, sequence: 0, writable: true };
        let opened = match copies {
            [Copy::Unreadable(reason), other] | [other, Copy::Unreadable(reason)] => {
                store.writable = false;
                let record = match other {
                    Copy::Valid { record, .. } => Some(*record),
                    _ => None,
                };
                Opened::Untrusted { record, reason }
            }
            [Copy::Valid { sequence: a, record }, Copy::Valid { sequence: b, record: other }] => {
                store.sequence = a.max(b);
                let newest = if a >= b { record } else { other };
                match a.cmp(&b) {
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Greater => {
                        store.write_copy(second, &newest, Flush::StateSecondCopy)?
                    }
                    std::cmp::Ordering::Less => store.write_copy(first, &newest, Flush::StateFirstCopy)?,
                }
                Opened::Found(*newest)
            }
            [Copy::Valid { sequence, record }, Copy::Invalid(_)] => {
                store.sequence = sequence;
                store.write_copy(second, &record, Flush::StateSecondCopy)?;
                Opened::Found(*record)
            }
            [Copy::Invalid(_), Copy::Valid { sequence, record }] => {
                store.sequence = sequence;
                store.write_copy(first, &record, Flush::StateFirstCopy)?;
                Opened::Found(*record)
            }
            [Copy::Invalid(_), Copy::Invalid(_)] => Opened::Lost,
        };
        Ok((store, opened))
    }

    /// Replaces the record: one copy, flush, the other copy, flush, each read back. On return both are on
    /// stable storage. Refused where [`open`](Self::open) could not read a copy.
    pub fn write(&mut self, record: &Record) -> Result<(), Error> {
        if !self.writable {
            return Err(Error::Refused(
                "the state can't be changed while one of its copies can't be read; check the disk".into(),
            ));
        }
        self.sequence += 1;
        let [first, second] = copy_offsets(self.device.size())?;
        self.write_copy(first, record, Flush::StateFirstCopy)?;
        self.write_copy(second, record, Flush::StateSecondCopy)
    }

    fn write_copy(&self, offset: u64, record: &Record, guard: Flush) -> Result<(), Error> {
        let mut bytes = encode_copy(self.sequence, record)?;
        bytes.resize(bytes.len().next_multiple_of(self.device.sector_size() as usize), 0);
        let write_error = |source| Error::Write { what: WHAT, source };
        self.device.write_at(offset, &bytes).map_err(write_error)?;
        self.device.flush(guard).map_err(write_error)?;
        let mut back = vec![0; bytes.len()];
        self.device.read_at(offset, &mut back).map_err(|source| Error::Read { what: WHAT, source })?;
        if back == bytes { Ok(()) } else { Err(Error::ReadBack { what: WHAT }) }
    }
}

/// The byte offsets of the two copies on a partition of the given size.
pub fn copy_offsets(size: u64) -> Result<[u64; 2], Error> {
    let second = if size >= 2 * ERASE_GROUP { ERASE_GROUP } else { size / 2 / 4096 * 4096 };
    let room = size - second;
    let needed = (PAYLOAD_AT + PAYLOAD_LIMIT) as u64;
    if second < needed || room < needed {
        return Err(Error::TooLarge { what: WHAT, size: 2 * needed, room: size });
    }
    Ok([0, second])
}

/// One copy's bytes: header, padding, payload.
pub fn encode_copy(sequence: u64, record: &Record) -> Result<Vec<u8>, Error> {
    let payload =
        serde_json::to_vec(record).map_err(|e| Error::Refused(format!("the state can't be encoded: {e}")))?;
    if payload.len() > PAYLOAD_LIMIT {
        return Err(Error::TooLarge { what: WHAT, size: payload.len() as u64, room: PAYLOAD_LIMIT as u64 });
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

fn read_copy(device: &impl BlockDevice, offset: u64) -> Copy {
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
