//! Inodes, and where the blocks of files are.

use super::Squashfs;
use super::metadata::Place;
use crate::bytes::Fields;
use crate::extents::Extents;
use crate::walk::Content;
use crate::{Error, Stored};

/// Of a block's size: it is not compressed. A block of no size is a hole.
const AS_IT_IS: u32 = 1 << 24;
/// No fragment.
const NONE: u32 = u32::MAX;

/// An inode, as far as it matters here.
pub(super) enum Inode {
    Folder(Listing),
    File(File),
    Other,
}

/// Where a directory's entries are.
pub(super) struct Listing {
    pub(super) block: u32,
    pub(super) offset: u16,
    /// Their size in bytes.
    pub(super) len: u32,
}

/// A file, but for the sizes of its blocks, which follow its inode.
pub(super) struct File {
    start: u64,
    size: u64,
    /// The block of fragments that its end is in, and the first byte there.
    fragment: u32,
    offset: u32,
}

impl Squashfs<'_> {
    /// The inode at a place, which is then behind it.
    pub(super) fn inode(&self, place: &mut Place) -> Result<Inode, Error> {
        let mut read = |len| self.metadata.read(place, len, "inodes");
        let kind = Fields(&read(16)?).half(0);
        Ok(match kind {
            1 => {
                let bytes = read(16)?;
                let fields = Fields(&bytes);
                Inode::Folder(Listing {
                    block: fields.word(0),
                    len: fields.half(8).into(),
                    offset: fields.half(10),
                })
            }
            8 => {
                let bytes = read(24)?;
                let fields = Fields(&bytes);
                Inode::Folder(Listing { len: fields.word(4), block: fields.word(8), offset: fields.half(18) })
            }
            2 => {
                let bytes = read(16)?;
                let fields = Fields(&bytes);
                let [start, size] = [fields.word(0), fields.word(12)].map(u64::from);
                Inode::File(File { start, size, fragment: fields.word(4), offset: fields.word(8) })
            }
            9 => {
                let bytes = read(40)?;
                let fields = Fields(&bytes);
                let (start, size) = (fields.long(0), fields.long(8));
                Inode::File(File { start, size, fragment: fields.word(28), offset: fields.word(32) })
            }
            _ => Inode::Other,
        })
    }

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
}
