//! Where the content of an inode lies.

use super::{Erofs, Inode, Layout, SHARED_CLUSTERS};
use crate::bytes::Fields;
use crate::error::{damaged, unsupported};
use crate::extents::Extents;
use crate::walk::Content;
use crate::{Error, Extent, Stored};

/// A chunk without a place: a hole.
const HOLE: u32 = u32::MAX;
/// Of a chunked inode's format: the bits of a chunk more than those of a block, and that each has an index.
const CHUNK_BITS: u32 = 0x1f;
const CHUNK_INDEXES: u32 = 0x20;

impl Erofs<'_> {
    /// A file's content, or `None` if nothing is told of it: all of it is in its inode, or some of it on another device,
    /// or its clusters can't be told from others'.
    pub(super) fn content(&self, number: u64, inode: &Inode) -> Result<Option<Content>, Error> {
        let stored = match inode.layout {
            Layout::PackedFull | Layout::PackedCompact => Stored::Packed,
            // Nothing but a tail: it is among the inodes.
            Layout::Inline if inode.size < self.block => return Ok(None),
            Layout::Plain | Layout::Inline | Layout::Chunks => Stored::Plain,
        };
        let extents = match stored {
            Stored::Packed if self.incompatible & SHARED_CLUSTERS != 0 => return Ok(None),
            Stored::Packed => self.packed(inode)?,
            Stored::Plain => match self.plain(number, inode)? {
                Some(extents) => extents,
                None => return Ok(None),
            },
        };
        Ok(Some(Content { size: inode.size, stored, extents }))
    }

    /// Where content lies as it is, or `None` if some of it is on another device.
    pub(super) fn plain(&self, number: u64, inode: &Inode) -> Result<Option<Vec<Extent>>, Error> {
        let mut extents = Extents::new(self.image);
        let (size, start) = (inode.size, u64::from(inode.union) * self.block);
        match inode.layout {
            Layout::Plain => extents.push_plain(size, 0, start, size)?,
            Layout::Inline => {
                // All but the last block; that may be full.
                let blocks = size.saturating_sub(1) / self.block * self.block;
                extents.push_plain(size, 0, start, blocks)?;
                if inode.tail % self.block + (size - blocks) > self.block {
                    return damaged(format!("inode {number} has a tail that crosses a block's end"));
                }
                extents.push_plain(size, blocks, inode.tail, size - blocks)?;
            }
            Layout::Chunks => return self.chunks(inode, extents),
            Layout::PackedFull | Layout::PackedCompact => {
                return unsupported(format!("inode {number}, which is no file and compressed,"));
            }
        }
        Ok(Some(extents.finish()))
    }

    fn chunks(&self, inode: &Inode, mut extents: Extents<'_>) -> Result<Option<Vec<Extent>>, Error> {
        let format = inode.union & 0xffff;
        if format & !(CHUNK_BITS | CHUNK_INDEXES) != 0 {
            return unsupported(format!("EROFS chunk format {format:#x}"));
        }
        let chunk = self.block << (format & CHUNK_BITS);
        let unit = if format & CHUNK_INDEXES != 0 { 8 } else { 4 };
        let at = inode.tail.next_multiple_of(unit);
        let count = inode.size.div_ceil(chunk);
        let Some(len) = count.checked_mul(unit) else { return damaged("a file has more chunks than bytes") };
        let map = self.image.read(at, len, "chunks")?;
        for (entry, offset) in map.chunks_exact(unit as usize).zip((0..).step_by(chunk as usize)) {
            let fields = Fields(entry);
            let (device, block) =
                if unit == 8 { (fields.half(2), fields.word(4)) } else { (0, fields.word(0)) };
            if block == HOLE {
                continue;
            }
            if device != 0 {
                return Ok(None);
            }
            extents.push_plain(inode.size, offset, u64::from(block) * self.block, chunk)?;
        }
        Ok(Some(extents.finish()))
    }
}
