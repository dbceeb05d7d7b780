//! How an initramfs is compressed.

use crate::{Error, xz, zstd};
use drydock_architecture::Architecture;
use std::fmt;
use std::str::FromStr;

/// How an initramfs is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Unpacked in no time, and with 1 MiB of memory.
    #[default]
    Zstd,
    /// A tenth smaller; unpacking takes ten times as long, and 4 MiB.
    Xz,
}

impl Compression {
    /// Compresses a device's initramfs. The same bytes always give the same result.
    pub(crate) fn apply(self, archive: &[u8], device: Architecture) -> Result<Vec<u8>, Error> {
        match self {
            Self::Zstd => zstd::compress(archive),
            Self::Xz => xz::compress(archive, device),
        }
    }

    /// Returns what is in an initramfs, which its first bytes tell how to unpack.
    pub fn undo(packed: &[u8]) -> Result<Vec<u8>, Error> {
        match packed.starts_with(&xz::MAGIC) {
            true => xz::decompress(packed).map_err(Error::Xz),
            false => zstd::decompress(packed),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        })
    }
}

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "zstd" => Ok(Self::Zstd),
            "xz" => Ok(Self::Xz),
            _ => Err("it must be zstd or xz"),
        }
    }
}
