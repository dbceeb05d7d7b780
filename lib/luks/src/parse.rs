//! The parsers by themselves, from bytes: for fuzzing, and for tools that look at a header without a device.
//!
//! None of them panics or allocates out of proportion, whatever the bytes are.

use crate::Error;
use crate::header1::{self, Header1};
use crate::header2::{self, Header2, array};
use crate::json::Metadata;

/// Reads a LUKS1 header from the first bytes of a volume.
pub fn luks1_header(bytes: &[u8]) -> Result<(), Error> {
    let fixed = bytes.first_chunk::<{ header1::SIZE }>().ok_or(Error::NotLuks)?;
    if !(fixed.starts_with(header2::MAGIC) && fixed[6..8] == [0, 1]) {
        return Err(Error::NotLuks);
    }
    Header1::parse(fixed).map(|_| ())
}

/// Reads a LUKS2 header, checksum and metadata included. `offset` is its place on the device in bytes: 0 for a first
/// header.
pub fn luks2_header(bytes: &[u8], offset: u64) -> Result<(), Error> {
    let fixed = bytes.get(..header2::SIZE).ok_or(Error::NotLuks)?;
    let header = Header2::parse(&array(fixed, 0), offset)?;
    let whole = bytes.get(..header.size as usize).ok_or_else(|| Error::damaged("it ends early"))?;
    let text = header.checked_text(whole)?;
    Metadata::parse(text, header.size).map(|_| ())
}

/// Reads the metadata of a LUKS2 header of the default size (16 KiB), without the checksum around it that
/// random bytes never get past.
pub fn luks2_metadata(text: &[u8]) -> Result<(), Error> {
    Metadata::parse(text, header2::SIZES[0]).map(|_| ())
}
