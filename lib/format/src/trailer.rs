//! The trailer at the end of each slot: the signed manifest of what is in the slot.
//!
//! The last 4096 bytes are the footer; the manifest and its signatures lie right before it. A slot without a
//! whole trailer is not bootable. Writing a slot therefore begins with [`invalidate`] and ends with [`write`].

use drydock_block::header::{self, CheckedHeader, Kind};
use drydock_block::{BlockDevice, Error, Flush, read_vec};

const WHAT: &str = "slot's trailer";
const KIND: Kind = Kind { what: WHAT, magic: *b"DRYDOCKT", version: 1 };
/// Where the footer has its fields, in bytes.
const MANIFEST_LEN: usize = 12;
const SIG_LEN: usize = 16;
const IMAGE: usize = 24;
const BODY_DIGEST: usize = 56;
/// The room for the image's name in bytes.
const IMAGE_LEN: usize = 32;
/// Size of the footer in bytes, and the alignment of the body before it.
pub const FOOTER: u64 = 4096;
const MANIFEST_LIMIT: u32 = 1 << 20;
const SIGNATURES: u32 = 4096;

/// What a slot says of itself. The signatures have not been checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The bytes of the manifest.
    pub manifest: Vec<u8>,
    /// The bytes of the signature member.
    pub signatures: Vec<u8>,
    /// Which of the manifest's images is in this slot.
    pub image: String,
}

/// Decoded footer.
struct Footer {
    manifest_len: u32,
    sig_len: u32,
    image: String,
    header: CheckedHeader,
}

impl Trailer {
    /// The room that the trailer takes at the slot's end, in bytes.
    pub fn size(&self) -> u64 {
        size(self.manifest.len() as u64, self.signatures.len() as u64)
    }

    /// The bytes of the trailer as they stand at the slot's end.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        if self.image.len() > IMAGE_LEN
            || self.manifest.len() > MANIFEST_LIMIT as usize
            || self.signatures.len() > SIGNATURES as usize
        {
            return Err(Error::TooLarge { what: WHAT, size: self.size(), room: u64::from(MANIFEST_LIMIT) });
        }
        let mut bytes = [&self.manifest[..], &self.signatures[..]].concat();
        bytes.resize((self.size() - FOOTER) as usize, 0);
        let footer = KIND
            .builder()
            .u32(MANIFEST_LEN, self.manifest.len() as u32)
            .u32(SIG_LEN, self.signatures.len() as u32)
            .bytes(IMAGE, self.image.as_bytes())
            .digest_of(BODY_DIGEST, &bytes)
            .finish();
        bytes.extend(footer);
        bytes.resize(self.size() as usize, 0);
        Ok(bytes)
    }
}

/// The room in bytes that a trailer with so long a manifest and signatures takes at the slot's end.
pub fn size(manifest_len: u64, sig_len: u64) -> u64 {
    body_size(manifest_len, sig_len) + FOOTER
}

/// The room for manifest and signatures, in bytes, padded to the footer's alignment.
pub fn body_size(manifest_len: u64, sig_len: u64) -> u64 {
    (manifest_len + sig_len).next_multiple_of(FOOTER)
}

/// Reads a slot's trailer. [`Error::Absent`] and [`Error::Damaged`] mean that there is no whole one.
pub fn read(slot: &(impl BlockDevice + ?Sized)) -> Result<Trailer, Error> {
    let at = footer_offset(slot)?;
    let footer = decode_footer(&read_at(slot, at, header::SIZE)?)?;
    let body = body_size(u64::from(footer.manifest_len), u64::from(footer.sig_len));
    let start = at.checked_sub(body).ok_or_else(|| KIND.damaged("it is larger than the slot"))?;
    decode(footer, read_at(slot, start, body as usize)?)
}

/// Decodes a trailer from its bytes, body and footer.
pub fn decode_bytes(bytes: &[u8]) -> Result<Trailer, Error> {
    let at = bytes.len().checked_sub(FOOTER as usize).ok_or_else(|| KIND.damaged("it is cut off"))?;
    let footer = decode_footer(&bytes[at..])?;
    let body = body_size(u64::from(footer.manifest_len), u64::from(footer.sig_len)) as usize;
    let start = at.checked_sub(body).ok_or_else(|| KIND.damaged("it is cut off"))?;
    decode(footer, bytes[start..at].to_vec())
}

/// Makes sure that the slot has no valid trailer. On return that is on stable storage.
pub fn invalidate(slot: &(impl BlockDevice + ?Sized)) -> Result<(), Error> {
    let at = footer_offset(slot)?;
    slot.write_at(at, &[0; FOOTER as usize]).map_err(write_error)?;
    slot.flush(Flush::TrailerInvalidated).map_err(write_error)
}

/// Writes the trailer: the body and the footer whose checksum covers it. On return it is on stable storage
/// and was read back.
pub fn write(slot: &(impl BlockDevice + ?Sized), trailer: &Trailer) -> Result<(), Error> {
    let bytes = trailer.encode()?;
    let room = slot.size();
    let too_large = Error::TooLarge { what: WHAT, size: bytes.len() as u64, room };
    let start = room.checked_sub(bytes.len() as u64).ok_or(too_large)?;
    slot.write_at(start, &bytes).map_err(write_error)?;
    slot.flush(Flush::TrailerWritten).map_err(write_error)?;
    slot.drop_caches().map_err(read_error)?;
    if read(slot)? == *trailer { Ok(()) } else { Err(Error::ReadBack { what: WHAT }) }
}

fn footer_offset(slot: &(impl BlockDevice + ?Sized)) -> Result<u64, Error> {
    let size = slot.size() - slot.size() % FOOTER;
    // A slot whose size is no multiple of 4096 bytes would put the trailer where `write` does not.
    if size != slot.size() || size < FOOTER {
        return Err(KIND.damaged("the slot's size is not a multiple of 4096 bytes"));
    }
    Ok(size - FOOTER)
}

fn decode_footer(bytes: &[u8]) -> Result<Footer, Error> {
    let header = KIND.decode(bytes)?;
    let (manifest_len, sig_len) = (header.u32(MANIFEST_LEN), header.u32(SIG_LEN));
    if manifest_len > MANIFEST_LIMIT || sig_len > SIGNATURES {
        return Err(KIND.damaged("its lengths make no sense"));
    }
    let name = header.bytes::<IMAGE_LEN>(IMAGE);
    let name = name.split(|&b| b == 0).next().unwrap_or_default();
    let image =
        std::str::from_utf8(name).map_err(|_| KIND.damaged("its image's name is not text"))?.to_owned();
    Ok(Footer { manifest_len, sig_len, image, header })
}

fn decode(footer: Footer, mut body: Vec<u8>) -> Result<Trailer, Error> {
    if !footer.header.is_of(BODY_DIGEST, &body) {
        return Err(KIND.damaged("its contents do not match its checksum"));
    }
    let manifest_len = footer.manifest_len as usize;
    let signatures = body[manifest_len..manifest_len + footer.sig_len as usize].to_vec();
    body.truncate(manifest_len);
    Ok(Trailer { manifest: body, signatures, image: footer.image })
}

fn read_at(slot: &(impl BlockDevice + ?Sized), offset: u64, len: usize) -> Result<Vec<u8>, Error> {
    read_vec(slot, offset, len).map_err(read_error)
}

fn read_error(source: std::io::Error) -> Error {
    Error::Read { what: WHAT, source }
}

fn write_error(source: std::io::Error) -> Error {
    Error::Write { what: WHAT, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;

    #[test]
    fn the_bytes_on_the_disk_are_those_of_every_version_so_far() {
        let trailer = Trailer { manifest: vec![1; 5000], signatures: vec![2; 300], image: "root".into() };
        assert_eq!(
            sha256(&trailer.encode().unwrap()).to_string(),
            "b30ecf1de44fa0fd409159cf00df1901fc26597d8a8d623b09359dc35b8121ba"
        );
    }
}
