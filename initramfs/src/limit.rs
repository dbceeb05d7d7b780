//! How much may come out of something packed.

use std::io::{self, Read};

/// A kernel unpacks its initramfs into memory; nothing sensible comes near this. In bytes.
pub(crate) const LARGEST: usize = 1 << 30;

/// Everything that comes out of an unpacker.
pub(crate) fn read_all(unpacked: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    unpacked.take(LARGEST as u64 + 1).read_to_end(&mut content)?;
    match content.len() {
        0..=LARGEST => Ok(content),
        _ => Err(io::Error::other("more than 1 GiB when unpacked")),
    }
}
