//! How a slot is laid out: the image, its whole hash tree, and at the slot's end a trailer with the signed
//! manifest. The trailer's own format lives with the device's state; its size is needed here too, so that
//! `create` can say how large a slot must be.

use crate::Image;
use crate::signature::MEMBER_SIZE;
use crate::tree::BLOCK;

/// The trailer's footer is the slot's last block, in bytes.
pub const FOOTER_SIZE: u64 = BLOCK as u64;

/// The trailer's body, right before the footer: manifest and signature member, padded to whole blocks. In
/// bytes, for a manifest of `manifest_len` bytes.
pub fn body_size(manifest_len: u64) -> u64 {
    (manifest_len + MEMBER_SIZE as u64).next_multiple_of(BLOCK as u64)
}

/// The smallest slot in bytes that takes `image` from a bundle with a manifest of `manifest_len` bytes. The
/// lengths come from a checked manifest, so this cannot overflow.
pub fn min_size(image: &Image, manifest_len: u64) -> u64 {
    image.size + image.tree().size() + body_size(manifest_len) + FOOTER_SIZE
}
