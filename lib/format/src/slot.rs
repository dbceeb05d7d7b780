//! How a slot is laid out: the image, its whole hash tree, and at the slot's end a trailer with the signed
//! manifest ([`trailer`]).

use crate::Image;
use crate::signature::MEMBER_SIZE;
use crate::trailer;

/// The smallest slot in bytes that takes `image` from a bundle with a manifest of `manifest_len` bytes. The
/// lengths come from a checked manifest, so this cannot overflow.
pub fn min_size(image: &Image, manifest_len: u64) -> u64 {
    image.size + image.tree().size() + trailer::size(manifest_len, MEMBER_SIZE as u64)
}
