//! Where the blocks of files are.

use super::Squashfs;
use super::inode::File;
use super::metadata::Place;
use crate::bytes::Fields;
use crate::error::damaged;
use crate::extents::Extents;
use crate::walk::Content;
use crate::{Error, Stored};

/// Of a block's size: it is not compressed. A block of no size is a hole.
const AS_IT_IS: u32 = 1 << 24;
/// No fragment.
const NONE: u32 = u32::MAX;

impl Squashfs<'_> {
    /// Where a file's content is; the sizes of its blocks are read from `place` on.
    pub(super) fn content(&self, file: File, place: &mut Place) -> Result<Content, Error> {
        let in_fragment = if file.fragment == NONE { 0 } else { file.size % self.block };
        let mut extents = Extents::new(self.image);
        let mut stored = Stored::Plain;
        let (mut offset, mut at) = (0, file.start);
        while offset < file.size - in_fragment {
            let bytes = self.metadata.read(place, 4, "inodes")?;
            let size = Fields(&bytes).word(0);
            let (len, content) = (u64::from(size & !AS_IT_IS), self.block.min(file.size - offset));
            if size & AS_IT_IS != 0 {
                extents.push_plain(file.size, offset, at, len)?;
            } else if len != 0 {
                extents.push(offset, content, at, len)?;
                stored = Stored::Packed;
            }
            at = at.saturating_add(len);
            offset += content;
        }
        if in_fragment > 0 {
            match self.fragment(file.fragment)? {
                (start, size) if size & AS_IT_IS != 0 => {
                    let at = start.saturating_add(file.offset.into());
                    extents.push_plain(file.size, offset, at, in_fragment)?;
                }
                // The ends of many files, packed together.
                _ => stored = Stored::Packed,
            }
        }
        Ok(Content { size: file.size, stored, extents: extents.finish() })
    }

    /// Where a block of fragments is, and its size, as a file's blocks have theirs.
    fn fragment(&self, number: u32) -> Result<(u64, u32), Error> {
        /// The size of an entry, and how many are in a block of metadata.
        const ENTRY: u32 = 16;
        const IN_BLOCK: u32 = 512;
        if number >= self.fragment_count {
            return damaged(format!("there is no fragment {number}"));
        }
        let index = self.fragments.saturating_add(u64::from(number / IN_BLOCK) * 8);
        let block = Fields(&self.image.read(index, 8, "fragments")?).long(0);
        let mut place = Place { block, offset: (number % IN_BLOCK * ENTRY) as usize };
        let entry = self.metadata.read(&mut place, ENTRY as usize, "fragments")?;
        let fields = Fields(&entry);
        Ok((fields.long(0), fields.word(8)))
    }
}
