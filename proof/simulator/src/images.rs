//! What is in the images of simulated releases.

use drydock_fixtures::Random;
use drydock_format::Image;
use drydock_format::tree::{BLOCK, GROUP, Hasher};

/// What makes a version's images its own.
pub(crate) fn seed(version: &str) -> u64 {
    version.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte))
}

/// An image as a later version has it: a word here and there is another one, and a block has moved.
pub(crate) fn changed(mut bytes: Vec<u8>) -> Vec<u8> {
    for (nth, word) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate().skip(100).step_by(1500) {
        *word = (nth as u32).to_le_bytes();
    }
    bytes[..2 * BLOCK].rotate_left(BLOCK);
    bytes
}

/// An image that compresses to one half.
pub(crate) fn image(seed: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let mut random = Random::new(seed);
    bytes.chunks_mut(BLOCK).for_each(|block| random.fill(&mut block[..BLOCK / 2]));
    bytes
}

/// The image and its whole hash tree, as they stand in a slot.
pub(crate) fn with_tree(image: &Image, mut bytes: Vec<u8>, upper: &[u8]) -> Vec<u8> {
    let hasher = Hasher::new(&image.salt);
    let leaves: Vec<u8> = bytes.chunks(GROUP).flat_map(|group| hasher.leaf_block(group)).collect();
    bytes.extend(upper);
    bytes.extend(leaves);
    bytes
}
