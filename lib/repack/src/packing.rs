//! How bytes are packed: all that must be known to pack them again.

use crate::Error;

/// A way of packing that this crate does exactly as the usual tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// GNU gzip 1.12, without the header: a deflate stream (RFC 1951), the checksum and the length (RFC 1952, 2.3.1).
    Gzip(GzipLevel),
    /// `lz4 -l` of lz4 1.9.4: the whole file, from its magic number on.
    Lz4Legacy(Lz4Level),
}

/// What is given to `gzip`, 1 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GzipLevel(u8);

/// What is given to `lz4 -l`, 3 to 9: the levels that follow chains of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lz4Level(u8);

impl Packing {
    /// The packing as a format names it: which kind, and the level.
    pub fn code(self) -> [u8; 2] {
        match self {
            Self::Gzip(level) => [1, level.0],
            Self::Lz4Legacy(level) => [2, level.0],
        }
    }

    /// The packing with this [`Packing::code`], or [`Error::Packing`] if there is none.
    pub fn from_code(code: [u8; 2]) -> Result<Self, Error> {
        match code {
            [1, level] => GzipLevel::new(level).map(Self::Gzip),
            [2, level] => Lz4Level::new(level).map(Self::Lz4Legacy),
            _ => None,
        }
        .ok_or(Error::Packing { code })
    }
}

impl GzipLevel {
    /// The best, which Debian packs documents with.
    pub const BEST: Self = Self(9);

    /// This level, if `gzip` has it.
    pub fn new(level: u8) -> Option<Self> {
        (1..=9).contains(&level).then_some(Self(level))
    }

    /// The level, 1 to 9.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Lz4Level {
    /// The highest of these levels, which Linux packs its kernels with.
    pub const BEST: Self = Self(9);

    /// This level, if it is one of those.
    pub fn new(level: u8) -> Option<Self> {
        (3..=9).contains(&level).then_some(Self(level))
    }

    /// The level, 3 to 9.
    pub fn get(self) -> u8 {
        self.0
    }
}
