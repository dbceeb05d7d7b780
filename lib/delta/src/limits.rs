//! What the format fixes, and how large the parts of a delta may be. A decoder checks all of it before it obeys.

/// The bytes that an index begins with.
pub const MAGIC: [u8; 8] = *b"DRYDOCKV";

/// The version of the format.
pub const VERSION: u32 = 1;

/// The most sections.
pub const MAX_SECTIONS: usize = 1 << 14;

/// The most groups that one section covers: 1 GiB of image.
pub const MAX_GROUPS: u32 = 2048;

/// The most bytes that each part of a section may have, packed or unpacked.
pub const MAX_PART: usize = 4 << 20;

/// The most runs of one section.
pub const MAX_RUNS: usize = 1 << 17;

/// The most runs of all sections that share an executable.
pub const MAX_CHAIN: usize = 1 << 18;

/// The most executables in one section, and the most address spaces in one executable.
pub const MAX_FILES: usize = 1 << 14;

/// The most address spaces of one executable.
pub const MAX_SPACES: usize = 64;

/// The smallest and the largest base-2 logarithm of the size of the model's tables.
pub const TABLE_BITS: std::ops::RangeInclusive<u8> = 12..=20;

/// A run is taken in pieces of this many bytes at most. A field that lies across an edge is not predicted.
pub const PIECE: usize = 64 << 10;

/// Whether a piece is as the base has it is said of pieces of at least this many bytes.
pub const WHOLE_PIECE: usize = 256;
