//! What the format fixes: words, names, and how large the parts of a bundle may be.

use crate::tree::{BLOCK, GROUP};
use std::ops::RangeInclusive;

/// The bytes that every manifest begins with, so that a signature made for something else never fits one.
pub const PREFIX: &str = r#"{"drydock":"bundle/1""#;

/// The same for every supplement.
pub(crate) const SUPPLEMENT_PREFIX: &str = r#"{"drydock":"deltas/1""#;

/// The first member.
pub const MANIFEST: &str = "manifest.json";

/// The second member.
pub const SIGNATURES: &str = "manifest.sig";

/// The member that names those that a slim bundle has left out. It stands behind the signatures.
pub const LEFT_OUT: &str = "left-out";

/// The member that lists deltas that were made later. It stands behind the signatures, or behind what was left out.
pub const DELTAS: &str = "deltas.json";

/// The signatures over that list. They stand behind it.
pub const DELTAS_SIGNATURES: &str = "deltas.sig";

/// The largest manifest, and the largest supplement, in bytes.
pub const MAX_SIZE: u64 = 1 << 20;

/// The largest window in bytes that a frame may ask for.
pub const MAX_WINDOW: u64 = 8 << 20;

/// The smallest image in bytes: two blocks, because dm-verity makes no tree over one.
pub const MIN_IMAGE: u64 = 2 * BLOCK as u64;

/// The largest image in bytes: 1 TiB, for which the tables still fit in memory.
pub const MAX_IMAGE: u64 = 1 << 40;

/// A member longer than this is split into parts of exactly this many bytes, and the rest: 2 GiB.
pub const PART: u64 = 2 << 30;

/// The smallest and the largest frame size in bytes.
pub const FRAME_SIZES: RangeInclusive<u32> = GROUP as u32..=8 * GROUP as u32;
