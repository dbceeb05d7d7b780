//! The dm-verity hash tree: version 1, SHA-256, blocks of 4096 bytes, no superblock.
//!
//! A hash block holds 128 digests of 32 bytes, the last one padded with zeros; a digest is the SHA-256 of salt
//! and block. Level 0, the leaf level, holds the digests of the data blocks. On disk the levels
//! stand in veritysetup's order, the top level (one block, whose digest is the root hash) first.
//!
//! A *group* is what one leaf block covers: 128 data blocks, 512 KiB, less at the image's end. Its digest
//! stands in the level above the leaves, so everything but the leaves ([`Image::group_digests`](crate::Image::group_digests)) is enough to
//! prove any group by itself, for 32 bytes a group instead of 4096.

use crate::{Digest, Salt};
use sha2::{Digest as _, Sha256};

/// The size of data blocks and hash blocks in bytes.
pub const BLOCK: usize = 4096;

/// Digests in a hash block.
pub const DIGESTS: usize = BLOCK / size_of::<Digest>();

/// The bytes of image that one leaf block covers.
pub const GROUP: usize = DIGESTS * BLOCK;

/// The geometry of one image's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<u64>,
}

impl Tree {
    /// The tree over `blocks` data blocks, at least two: dm-verity makes no tree over a single block.
    pub fn new(blocks: u64) -> Self {
        let mut levels = vec![blocks.div_ceil(DIGESTS as u64)];
        while let Some(&below @ 2..) = levels.last() {
            levels.push(below.div_ceil(DIGESTS as u64));
        }
        levels.reverse();
        Self { levels }
    }

    /// Hash blocks in each level, the top level first, the leaf level last.
    pub fn levels(&self) -> &[u64] {
        &self.levels
    }

    /// The whole tree in bytes.
    pub fn size(&self) -> u64 {
        self.levels.iter().sum::<u64>() * BLOCK as u64
    }

    /// All levels but the leaves in bytes: the size of `NAME.groups`, and where the leaf level begins.
    pub fn groups_size(&self) -> u64 {
        self.upper().iter().sum::<u64>() * BLOCK as u64
    }

    pub(crate) fn upper(&self) -> &[u64] {
        self.levels.split_last().map_or(&[], |(_, upper)| upper)
    }
}

/// SHA-256 with a salt in front, ready to hash block after block.
#[derive(Clone)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher for one image's salt.
    pub fn new(salt: &Salt) -> Self {
        Self(Sha256::new_with_prefix(salt.as_bytes()))
    }

    /// The digest of one block.
    pub fn digest(&self, block: &[u8]) -> Digest {
        Digest(self.0.clone().chain_update(block).finalize().into())
    }

    /// The leaf block over one group's data: whole data blocks, at most 128 (more are left out).
    pub fn leaf_block(&self, data: &[u8]) -> [u8; BLOCK] {
        let mut leaf = [0; BLOCK];
        for (block, entry) in data.chunks(BLOCK).zip(leaf.as_chunks_mut::<32>().0) {
            *entry = self.digest(block).0;
        }
        leaf
    }

    /// The digest of one group, from its data.
    pub fn group_digest(&self, data: &[u8]) -> Digest {
        self.digest(&self.leaf_block(data))
    }
}

/// Builds what stands above the leaves from the digests of all groups, at least one: the root hash and the
/// bytes of `NAME.groups`.
pub fn build(salt: &Salt, groups: &[Digest]) -> (Digest, Vec<u8>) {
    let hasher = Hasher::new(salt);
    let mut digests = groups.to_vec();
    let mut upper = Vec::new();
    while digests.len() > 1 {
        let level: Vec<[u8; BLOCK]> = digests
            .chunks(DIGESTS)
            .map(|chunk| {
                let mut block = [0; BLOCK];
                for (digest, entry) in chunk.iter().zip(block.as_chunks_mut::<32>().0) {
                    *entry = digest.0;
                }
                block
            })
            .collect();
        digests = level.iter().map(|block| hasher.digest(block)).collect();
        upper.push(level);
    }
    let root = digests.first().copied().unwrap_or_else(|| hasher.digest(&[]));
    (root, upper.into_iter().rev().flatten().flatten().collect())
}
