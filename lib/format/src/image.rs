use crate::error::field;
use crate::limits::{FRAME_SIZES, MAX_IMAGE, MIN_IMAGE};
use crate::object::from_object;
use crate::tree::{BLOCK, GROUP, Hasher, Tree};
use crate::{Digest, Error, Salt};
use serde::Serialize;

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Its name, which its members carry.
    pub name: String,
    /// The class of slots that it goes to.
    pub class: String,
    /// Its size in bytes: whole blocks, at least two.
    pub size: u64,
    /// dm-verity's salt.
    pub salt: Salt,
    /// dm-verity's root hash.
    pub root_hash: Digest,
    /// The bytes of image in each frame but the last: whole groups.
    pub frame_size: u32,
}

/// A class of the release that this bundle does not carry: the device has the image already and copies it
/// from the set that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pin {
    /// The class of slots, which also names the image.
    pub class: String,
    /// The image's size in bytes: whole blocks, at least two.
    pub size: u64,
    /// dm-verity's salt.
    pub salt: Salt,
    /// dm-verity's root hash.
    pub root_hash: Digest,
}

from_object!(Image { name, class, size, salt, root_hash, frame_size });
from_object!(Pin { class, size, salt, root_hash });

impl Pin {
    /// The image that is pinned, as if the bundle carried it.
    pub fn image(&self) -> Image {
        Image {
            name: self.class.clone(),
            class: self.class.clone(),
            size: self.size,
            salt: self.salt.clone(),
            root_hash: self.root_hash,
            frame_size: *FRAME_SIZES.end(),
        }
    }
}

impl Image {
    /// Data blocks of 4096 bytes.
    pub fn blocks(&self) -> u64 {
        self.size / BLOCK as u64
    }

    /// Groups of 512 KiB, the last one maybe shorter.
    pub fn group_count(&self) -> u64 {
        self.size.div_ceil(GROUP as u64)
    }

    /// Frames, the last one maybe shorter.
    pub fn frame_count(&self) -> u64 {
        self.size.div_ceil(u64::from(self.frame_size))
    }

    /// The bytes of image in one frame; 0 if there are not that many.
    pub fn frame_len(&self, frame: u64) -> usize {
        let start = frame.saturating_mul(u64::from(self.frame_size));
        self.size.saturating_sub(start).min(u64::from(self.frame_size)) as usize
    }

    /// The geometry of its hash tree.
    pub fn tree(&self) -> Tree {
        Tree::new(self.blocks())
    }

    /// Checks the rules of the format for one image that the types do not express.
    pub fn check(&self) -> Result<(), Error> {
        let name = &self.name;
        check_name(&format!("image {name:?}: name"), name)?;
        check_name(&format!("image {name}: class"), &self.class)?;
        let whole = self.size.is_multiple_of(BLOCK as u64);
        if !whole || !(MIN_IMAGE..=MAX_IMAGE).contains(&self.size) {
            return field(
                format!("image {name}: size"),
                format!("{} is not a multiple of {BLOCK} between {MIN_IMAGE} and {MAX_IMAGE}", self.size),
            );
        }
        if !FRAME_SIZES.contains(&self.frame_size) || !self.frame_size.is_multiple_of(GROUP as u32) {
            return field(
                format!("image {name}: frame_size"),
                format!("{} is not a multiple of {GROUP} up to {}", self.frame_size, FRAME_SIZES.end()),
            );
        }
        Ok(())
    }

    /// Proves the bytes of `NAME.groups` against the image's root hash, and returns the digest of each group.
    /// Every byte is covered by the proof, the padding too.
    pub fn group_digests(&self, groups: &[u8]) -> Result<Vec<Digest>, Error> {
        let damaged = || Error::Groups { image: self.name.clone() };
        let tree = self.tree();
        if groups.len() as u64 != tree.groups_size() {
            return Err(damaged());
        }
        let hasher = Hasher::new(&self.salt);
        let mut expected = vec![self.root_hash];
        let mut blocks = groups.as_chunks::<BLOCK>().0;
        for &count in tree.upper() {
            let (level, below) = blocks.split_at(count as usize);
            if level.iter().zip(&expected).any(|(block, digest)| hasher.digest(block) != *digest) {
                return Err(damaged());
            }
            expected = level.as_flattened().as_chunks().0.iter().map(|&digest| Digest(digest)).collect();
            blocks = below;
        }
        expected.truncate(self.group_count() as usize);
        Ok(expected)
    }
}

pub(crate) fn check_text(
    name: &str,
    text: &str,
    max: usize,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), Error> {
    if text.is_empty() || text.len() > max || !text.bytes().all(allowed) {
        return field(name, format!("{text:?} is not 1 to {max} of the characters allowed there"));
    }
    Ok(())
}

pub(crate) fn check_name(name: &str, text: &str) -> Result<(), Error> {
    check_text(name, text, 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
