//! What `lz4 -l` of lz4 1.9.4 makes of bytes, and back.
//!
//! The legacy format is a magic number, then blocks: each a little-endian `u32`, its packed length, and an LZ4 block,
//! which unpacks to [`BLOCK`] bytes, the last one to fewer. Nothing says where it ends but the end of the file.

mod chains;
mod index;
mod measure;
mod pack;
mod unpack;

pub use index::{Lz4Block, Lz4BlockReader, Lz4Index};
pub(crate) use measure::unpacked_length;
pub(crate) use pack::Lz4Packer;
pub(crate) use unpack::{BlockUnpacker, Lz4Unpacker};

/// What a block unpacks to, but the last.
pub(crate) const BLOCK: usize = 8 << 20;
/// What a file begins with.
pub(crate) const MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];
/// The shortest match.
pub(crate) const MIN_MATCH: usize = 4;
/// From this on a half of a token says that more bytes of length follow.
pub(crate) const LONG: usize = 15;

/// The most bytes that a block can come to, if it is not longer than it needs to be: literals alone, and what tells how
/// many.
fn most_packed(unpacked: u64) -> u64 {
    unpacked + unpacked / 255 + 16
}
