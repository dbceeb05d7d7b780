//! Gzip files and LZ4 kernels, unpacked and packed again to the same bytes.
//!
//! A small change of a file changes all of what it is packed to, so a delta between packed files holds nearly all of
//! the new one. Between what is in them it is small, but then the device must pack the result to exactly the bytes that
//! the build host saw. Packers differ, and so do their versions; what this crate packs is compared in its tests, byte
//! by byte, with what Debian 12 packs its documents and kernels with: GNU gzip 1.12 and lz4 1.9.4.
//!
//! [`recognise`] says on the build host which part of a file is packed in a way that can be done again. A [`Packer`]
//! and an [`Unpacker`] work piece by piece, in memory that does not depend on the bytes; an [`Lz4Index`] finds the
//! block of a kernel that holds an offset.
//!
//! Nothing here trusts packed bytes: whatever they are, the answer is an [`Error`] or bytes of the stated length.

mod bytes;
mod crc32;
mod error;
mod gzip;
mod input;
mod lz4;
mod packer;
mod packing;
mod recognise;
mod unpacker;
mod window;

pub use error::Error;
pub use lz4::{Lz4Block, Lz4BlockReader, Lz4Index};
pub use packer::Packer;
pub use packing::{GzipLevel, Lz4Level, Packing};
pub use recognise::{Recognised, recognise};
pub use unpacker::Unpacker;
