//! One number of two.

/// Mixes two words into one.
#[inline]
pub(super) const fn hash(a: u32, b: u32) -> u32 {
    let x = (a ^ b.rotate_left(15).wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA6B);
    x ^ x >> 15
}
