//! A bundle with holes: a file of a bundle's full length that holds those of its bytes that the device lacks, and beside it
//! a claim, which says which these are.
//!
//! The claim is a [header](drydock_block::header) and, little endian, the manifest's digest, the
//! [file's](drydock_format::Outline::file), the bundle's length (u64), the length of a text (u32) and that text, which says where
//! the bundle comes from, and start and end (u64 each) of every range that is there. It is replaced whole, and only once what it
//! claims is on stable storage, so that whatever is cut short at whatever moment, what it claims is there.

use crate::error::Error;
use drydock_block::header::{Kind, SIZE};
use drydock_format::{Digest, ReadAt};
use drydock_transfer::Ranges;
use std::fmt;
use std::io;
use std::ops::Range;

const KIND: Kind = Kind { what: "the claim of a bundle with holes", magic: *b"DRYDOCKF", version: 1 };
const LEN_AT: usize = 12;
const DIGEST_AT: usize = 16;
/// The longest claim in bytes.
pub const CLAIM_LIMIT: usize = 1 << 20;
/// What the claim's file is called: the bundle's name, and this.
pub const CLAIM_SUFFIX: &str = ".claim";

/// What is there of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The digest of its manifest.
    pub manifest: Digest,
    /// What tells it from other files of the same release.
    pub file: Digest,
    /// The length of all of it in bytes.
    pub length: u64,
    /// Where it comes from, for a person.
    pub from: String,
    /// The bytes that are there, and are on stable storage.
    pub have: Ranges,
}

impl Claim {
    /// Returns it as it is written.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { manifest, file, length, from, have } = self;
        let mut payload = [manifest.0, file.0].concat();
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(&(from.len() as u32).to_le_bytes());
        payload.extend_from_slice(from.as_bytes());
        payload.extend(have.iter().flat_map(|range| [range.start, range.end]).flat_map(u64::to_le_bytes));
        if payload.len() > CLAIM_LIMIT - SIZE {
            return Err(Error::Refused(format!(
                "{} would be too long; fetch the bundle to another file",
                KIND.what
            )));
        }
        let header = KIND.builder().u32(LEN_AT, payload.len() as u32).digest_of(DIGEST_AT, &payload).finish();
        Ok([&header[..], &payload].concat())
    }

    /// Reads one. An error: it is none, is damaged, or is of a later drydock.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let header = KIND.decode(bytes)?;
        let payload = bytes.get(SIZE..).and_then(|rest| rest.get(..header.u32(LEN_AT) as usize));
        let payload = payload.filter(|payload| header.is_of(DIGEST_AT, payload));
        let payload = payload.ok_or_else(|| KIND.damaged("its contents do not have their digest"))?;
        let claim = Self::take_apart(payload).ok_or_else(|| KIND.damaged("it is cut short"))?;
        match claim.have.end() <= claim.length {
            true => Ok(claim),
            false => Err(KIND.damaged("it claims more than the bundle has").into()),
        }
    }

    fn take_apart(payload: &[u8]) -> Option<Self> {
        let (manifest, rest) = payload.split_first_chunk()?;
        let (file, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (text, rest) = rest.split_first_chunk()?;
        let (from, rest) = rest.split_at_checked(u32::from_le_bytes(*text) as usize)?;
        let (ranges, rest) = rest.as_chunks::<16>();
        let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let have = ranges.iter().map(|range| number(&range[..8])..number(&range[8..])).collect();
        rest.is_empty().then(|| Self {
            manifest: Digest(*manifest),
            file: Digest(*file),
            length: u64::from_le_bytes(*length),
            from: String::from_utf8_lossy(from).into_owned(),
            have,
        })
    }
}

/// Reads a bundle with holes. A hole that is read is an error, and not the zeros that the file has there.
pub struct WithHoles<R> {
    bytes: R,
    length: u64,
    have: Ranges,
}

impl<R: ReadAt> WithHoles<R> {
    /// Returns what is there of a bundle, in the file that has it.
    pub fn new(bytes: R, claim: &Claim) -> Self {
        Self { bytes, length: claim.length, have: claim.have.clone() }
    }
}

impl<R: ReadAt> ReadAt for WithHoles<R> {
    fn len(&self) -> io::Result<u64> {
        match self.bytes.len()? == self.length {
            true => Ok(self.length),
            false => {
                Err(io::Error::other("the file is not the one that was fetched; stage the bundle again"))
            }
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let range = offset..offset.saturating_add(buf.len() as u64);
        if !self.has(&range) {
            return Err(io::Error::new(io::ErrorKind::NotFound, Hole(range)));
        }
        self.bytes.read_at(offset, buf)
    }

    fn has(&self, range: &Range<u64>) -> bool {
        self.have.contain(range)
    }
}

/// A hole that turned out to be needed.
#[derive(Debug)]
struct Hole(Range<u64>);

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the bytes from {} to {} were not fetched, because the device had them then and has them no longer; stage the bundle again",
            self.0.start, self.0.end
        )
    }
}

impl std::error::Error for Hole {}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        let have = [0..100, 200..300].into_iter().collect();
        let (manifest, file) = (Digest([7; 32]), Digest([8; 32]));
        Claim { manifest, file, length: 1000, from: "https://example/x".into(), have }
    }

    #[test]
    fn a_claim_is_read_as_it_was_written_or_not_at_all() {
        let bytes = claim().encode().unwrap();
        assert_eq!(Claim::decode(&bytes).unwrap(), claim());
        for len in 0..bytes.len() {
            assert!(Claim::decode(&bytes[..len]).is_err(), "{len}");
        }
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 4;
            assert!(Claim::decode(&bad).is_err(), "{at}");
        }
        let more = Claim { length: 299, ..claim() }.encode().unwrap();
        assert!(Claim::decode(&more).unwrap_err().to_string().contains("claims more"));
    }

    #[test]
    fn a_hole_is_an_error_and_not_zeros() {
        let bundle = WithHoles::new(vec![1; 1000], &claim());
        let mut buf = [0; 50];
        bundle.read_at(250, &mut buf).unwrap();
        let said = bundle.read_at(90, &mut buf).unwrap_err().to_string();
        assert!(said.contains("from 90 to 140 were not fetched") && said.contains("again"), "{said}");
        assert!(bundle.has(&(200..300)) && !bundle.has(&(200..301)));
        assert!(WithHoles::new(vec![1; 999], &claim()).len().is_err());
    }
}
