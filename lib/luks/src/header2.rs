//! The binary part of a LUKS2 header: 4096 bytes, big endian, followed by the metadata as JSON text.

use crate::Error;
use sha2::{Digest, Sha256, Sha512};

/// The size of the binary part in bytes.
pub(crate) const SIZE: usize = 4096;
/// Every size that a header may have, which is also every place where the second header may lie.
pub(crate) const SIZES: [u64; 9] =
    [0x4000, 0x8000, 0x1_0000, 0x2_0000, 0x4_0000, 0x8_0000, 0x10_0000, 0x20_0000, 0x40_0000];
/// The first bytes of a LUKS1 header and of the first LUKS2 header.
pub(crate) const MAGIC: &[u8; 6] = b"LUKS\xba\xbe";
/// The first bytes of the second LUKS2 header.
pub(crate) const SECOND_MAGIC: &[u8; 6] = b"SKUL\xba\xbe";

const CHECKSUM: std::ops::Range<usize> = 448..512;

/// `N` bytes at `at`, which the caller knows to be there.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// A NUL-terminated field of printable ASCII.
pub(crate) fn text(bytes: &[u8], at: usize, len: usize) -> Result<&str, Error> {
    let field = &bytes[at..at + len];
    let end = field.iter().position(|&b| b == 0).ok_or_else(|| Error::damaged("text without an end"))?;
    match std::str::from_utf8(&field[..end]) {
        Ok(text) if text.bytes().all(|b| (0x20..0x7f).contains(&b)) => Ok(text),
        _ => Err(Error::damaged("text that is not printable")),
    }
}

/// The fields of a binary header. Those that nobody here looks at are kept as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header2 {
    /// Size of binary part and metadata together, in bytes.
    pub(crate) size: u64,
    /// Counts the changes; the higher one of two headers is the newer.
    pub(crate) sequence: u64,
    pub(crate) label: [u8; 48],
    pub(crate) salt: [u8; 64],
    pub(crate) uuid: String,
    pub(crate) subsystem: [u8; 48],
}

impl Header2 {
    /// Reads the binary part of a header that lies `offset` bytes into the device. The checksum, which covers
    /// more than these bytes, is for [`checked_text`](Self::checked_text).
    pub(crate) fn parse(bytes: &[u8; SIZE], offset: u64) -> Result<Self, Error> {
        let u64_at = |at| u64::from_be_bytes(array(bytes, at));
        let magic = if offset == 0 { MAGIC } else { SECOND_MAGIC };
        if &bytes[..6] != magic {
            return Err(Error::NotLuks);
        }
        let version = u16::from_be_bytes(array(bytes, 6));
        if version != 2 {
            return Err(Error::unsupported(format_args!("LUKS version {version}")));
        }
        let size = u64_at(8);
        if !SIZES.contains(&size) || (offset != 0 && offset != size) {
            return Err(Error::damaged(format_args!("a header of {size} bytes at byte {offset}")));
        }
        if u64_at(256) != offset {
            return Err(Error::damaged(format_args!("a header for byte {} at byte {offset}", u64_at(256))));
        }
        Ok(Self {
            size,
            sequence: u64_at(16),
            label: array(bytes, 24),
            salt: array(bytes, 104),
            uuid: text(bytes, 168, 40)?.to_owned(),
            subsystem: array(bytes, 208),
        })
    }

    /// Proves the whole header (binary part and metadata, `size` bytes) against its checksum and gives back the
    /// metadata's text.
    pub(crate) fn checked_text<'a>(&self, whole: &'a [u8]) -> Result<&'a [u8], Error> {
        if whole.len() as u64 != self.size {
            return Err(Error::damaged(format_args!("{} bytes of a header of {}", whole.len(), self.size)));
        }
        let stored = &whole[CHECKSUM];
        let computed = match text(whole, 72, 32)? {
            "sha256" => checksum::<Sha256>(whole),
            "sha512" => checksum::<Sha512>(whole),
            other => return Err(Error::unsupported(format_args!("header checksum {other:?}"))),
        };
        if stored[..computed.len()] != computed {
            return Err(Error::damaged("wrong checksum"));
        }
        let area = &whole[SIZE..];
        let end = area.iter().position(|&b| b == 0).unwrap_or(area.len());
        if end == area.len() || !drydock_block::is_zero(&area[end..]) {
            return Err(Error::damaged("metadata without an end"));
        }
        Ok(&area[..end])
    }

    /// The bytes of this header for a place `offset` bytes into the device, with `text` as its metadata. The
    /// text must leave room for a final zero.
    pub(crate) fn to_bytes(&self, offset: u64, text: &[u8]) -> Result<Vec<u8>, Error> {
        let mut whole = vec![0; self.size as usize];
        if SIZE + text.len() >= whole.len() {
            return Err(Error::NoRoom("its metadata"));
        }
        whole[..6].copy_from_slice(if offset == 0 { MAGIC } else { SECOND_MAGIC });
        whole[6..8].copy_from_slice(&2u16.to_be_bytes());
        whole[8..16].copy_from_slice(&self.size.to_be_bytes());
        whole[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        whole[24..72].copy_from_slice(&self.label);
        whole[72..78].copy_from_slice(b"sha256");
        // The salt's only job is that no two headers are alike.
        let salt = Sha512::new().chain_update(self.salt).chain_update(offset.to_be_bytes()).finalize();
        whole[104..168].copy_from_slice(&salt);
        let uuid = self.uuid.as_bytes();
        whole[168..168 + uuid.len()].copy_from_slice(uuid);
        whole[208..256].copy_from_slice(&self.subsystem);
        whole[256..264].copy_from_slice(&offset.to_be_bytes());
        whole[SIZE..SIZE + text.len()].copy_from_slice(text);
        let sum = checksum::<Sha256>(&whole);
        whole[CHECKSUM][..sum.len()].copy_from_slice(&sum);
        Ok(whole)
    }
}

fn checksum<D: Digest>(whole: &[u8]) -> Vec<u8> {
    let mut hash = D::new();
    hash.update(&whole[..CHECKSUM.start]);
    hash.update([0; 64]);
    hash.update(&whole[CHECKSUM.end..]);
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header2 {
        let uuid = "0f0e0d0c-0b0a-4908-8706-050403020100".to_owned();
        Header2 { size: 0x4000, sequence: 7, label: [0; 48], salt: [9; 64], uuid, subsystem: [0; 48] }
    }

    #[test]
    fn what_is_written_is_read() {
        for offset in [0, 0x4000] {
            let whole = header().to_bytes(offset, b"{}").unwrap();
            let read = Header2::parse(&array(&whole, 0), offset).unwrap();
            assert_eq!((read.sequence, &read.uuid), (7, &header().uuid));
            assert_eq!(read.checked_text(&whole).unwrap(), b"{}");
            assert!(Header2::parse(&array(&whole, 0), 0x4000 - offset).is_err());
        }
    }

    #[test]
    fn every_byte_is_covered() {
        let whole = header().to_bytes(0, b"{}").unwrap();
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            let read =
                Header2::parse(&array(&bad, 0), 0).and_then(|h| h.checked_text(&bad).map(<[u8]>::to_vec));
            // Of the checksum's field, SHA-256 fills the first half.
            assert_eq!(read.is_ok(), (480..512).contains(&at), "byte {at}");
        }
    }
}
