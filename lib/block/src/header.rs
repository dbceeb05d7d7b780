//! The header that every structure of drydock's own begins with: the state record, a slot's trailer, the stash.
//!
//! 512 bytes, which every disk writes as one: 8 bytes of magic, the version, the fields of the structure, and at 480
//! the SHA-256 of all that goes before. One of the fields is the SHA-256 of the payload, so header and payload are
//! there as a whole or not at all. Numbers are little endian.

use crate::Error;
use sha2::{Digest, Sha256};

/// The size of a header in bytes.
pub const SIZE: usize = 512;
const VERSION: usize = 8;
const CHECKSUM: usize = 480;
const DIGEST: usize = 32;

/// Which header it is.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What begins with it, for errors.
    pub what: &'static str,
    /// Its first bytes.
    pub magic: [u8; 8],
    /// The version that is written, and the newest one that is read.
    pub version: u32,
}

/// A header being made. A field is placed by its offset in bytes, from 12 on, and ends before the checksum.
#[derive(Clone, Debug)]
pub struct Builder([u8; SIZE]);

/// A header whose checksum holds, and whose version is known. Fields are found as they were placed.
#[derive(Clone, Debug)]
pub struct CheckedHeader([u8; SIZE]);

impl Kind {
    /// A header without any fields yet.
    pub fn builder(&self) -> Builder {
        Builder([0; SIZE]).bytes(0, &self.magic).u32(VERSION, self.version)
    }

    /// Checks the header that `bytes` begin with. [`Error::Absent`]: there is none. [`Error::Damaged`]: its checksum does
    /// not match. [`Error::LaterVersion`]: it is whole, and of a version that is not known here.
    pub fn decode(&self, bytes: &[u8]) -> Result<CheckedHeader, Error> {
        let header = bytes.first_chunk::<SIZE>().filter(|header| header.starts_with(&self.magic));
        let header = CheckedHeader(*header.ok_or(Error::Absent { what: self.what })?);
        if Sha256::digest(&header.0[..CHECKSUM])[..] != header.0[CHECKSUM..] {
            return Err(self.damaged("its header's checksum does not match"));
        }
        match header.version() {
            found if found > self.version => {
                Err(Error::LaterVersion { what: self.what, found, known: self.version })
            }
            _ => Ok(header),
        }
    }

    /// The error for a structure that has this header and is not as it should be.
    pub fn damaged(&self, why: &str) -> Error {
        Error::Damaged { what: self.what, why: why.to_owned() }
    }
}

impl Builder {
    /// Places a number.
    pub fn u32(self, at: usize, value: u32) -> Self {
        self.bytes(at, &value.to_le_bytes())
    }

    /// Places a number.
    pub fn u64(self, at: usize, value: u64) -> Self {
        self.bytes(at, &value.to_le_bytes())
    }

    /// Places bytes.
    pub fn bytes(mut self, at: usize, value: &[u8]) -> Self {
        self.0[..CHECKSUM][at..][..value.len()].copy_from_slice(value);
        self
    }

    /// Places the digest of the payload.
    pub fn digest_of(self, at: usize, payload: &[u8]) -> Self {
        self.bytes(at, &Sha256::digest(payload))
    }

    /// The whole header.
    pub fn finish(mut self) -> [u8; SIZE] {
        let checksum = Sha256::digest(&self.0[..CHECKSUM]);
        self.0[CHECKSUM..].copy_from_slice(&checksum);
        self.0
    }
}

impl CheckedHeader {
    /// The version that it is of.
    pub fn version(&self) -> u32 {
        self.u32(VERSION)
    }

    /// A number.
    pub fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    /// A number.
    pub fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }

    /// Bytes.
    pub fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|n| self.0[at + n])
    }

    /// Whether the payload is the one whose digest was placed.
    pub fn is_of(&self, at: usize, payload: &[u8]) -> bool {
        self.bytes::<DIGEST>(at) == Sha256::digest(payload)[..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { what: "test", magic: *b"DRYDOCKX", version: 3 };

    fn header(kind: Kind) -> [u8; SIZE] {
        kind.builder().u32(12, 7).u64(16, u64::MAX - 1).bytes(24, b"name").digest_of(448, b"payload").finish()
    }

    #[test]
    fn what_was_placed_is_found() {
        let header = KIND.decode(&[&header(KIND)[..], b"and more"].concat()).unwrap();
        assert_eq!((header.version(), header.u32(12), header.u64(16)), (3, 7, u64::MAX - 1));
        assert_eq!(header.bytes(24), *b"name\0");
        assert!(
            header.is_of(448, b"payload") && !header.is_of(448, b"payloae") && !header.is_of(12, b"payload")
        );
    }

    #[test]
    fn none_a_damaged_one_and_a_later_one_are_told_apart() {
        let good = header(KIND);
        let said = |bytes: &[u8]| KIND.decode(bytes).unwrap_err();
        assert!(matches!(said(&[]), Error::Absent { what: "test" }));
        assert!(matches!(said(&good[..511]), Error::Absent { .. }));
        for at in 0..SIZE {
            let mut bytes = good;
            bytes[at] ^= 0x10;
            match said(&bytes) {
                Error::Absent { .. } => assert!(at < 8),
                Error::Damaged { .. } => assert!(at >= 8),
                other => panic!("{at}: {other}"),
            }
        }
        let later = header(Kind { version: 4, ..KIND });
        assert!(matches!(said(&later), Error::LaterVersion { what: "test", found: 4, known: 3 }));
        assert_eq!(KIND.decode(&header(Kind { version: 2, ..KIND })).unwrap().version(), 2);
    }
}
