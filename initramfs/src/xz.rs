//! xz, as the kernel's initramfs code reads it: Documentation/staging/xz.rst in its source.

use crate::Error;
use crate::limit::read_all;
use drydock_architecture::Architecture;
use lzma_rust2::{CheckType, FilterConfig, XzOptions, XzReader, XzWriter};
use std::io::{self, Write};

/// What an .xz file begins with. The .xz file format, section 2.1.1.1.
pub(crate) const MAGIC: [u8; 6] = *b"\xfd7zXZ\0";
/// The most memory in KiB that unpacking may take; `xz -9` asks for 65 MiB.
const MEMORY: u32 = 256 << 10;
/// Of the content so much is kept for matches, which the kernel sets aside while it unpacks.
const DICTIONARY: u32 = 4 << 20;

/// One stream of one block, with the check that every kernel knows.
pub(crate) fn compress(archive: &[u8], device: Architecture) -> Result<Vec<u8>, Error> {
    let mut options = XzOptions::with_preset(9);
    options.lzma_options.dict_size = DICTIONARY;
    options.lzma_options.nice_len = 273;
    options.set_check_sum_type(CheckType::Crc32);
    if device.xz_filters_programs() {
        options.filters.push(FilterConfig::new_bcj_x86(0));
    }
    let mut writer = XzWriter::new(Vec::new(), options).map_err(Error::Xz)?;
    writer.write_all(archive).map_err(Error::Xz)?;
    writer.finish().map_err(Error::Xz)
}

/// The content of streams that stand one behind the other.
pub(crate) fn decompress(packed: &[u8]) -> io::Result<Vec<u8>> {
    read_all(XzReader::new_mem_limit(packed, true, MEMORY))
}
