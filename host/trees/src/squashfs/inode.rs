//! Inodes.

use super::metadata::{Metadata, Place};
use crate::Error;
use crate::bytes::Fields;

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
    pub(super) start: u64,
    pub(super) size: u64,
    /// The block of fragments that its end is in, and the first byte there.
    pub(super) fragment: u32,
    pub(super) offset: u32,
}

impl Inode {
    /// The inode at a place, which is then behind it.
    pub(super) fn read(metadata: &Metadata<'_>, place: &mut Place) -> Result<Self, Error> {
        let mut read = |len| metadata.read(place, len, "inodes");
        let kind = Fields(&read(16)?).half(0);
        Ok(match kind {
            1 => {
                let bytes = read(16)?;
                let fields = Fields(&bytes);
                Self::Folder(Listing {
                    block: fields.word(0),
                    len: fields.half(8).into(),
                    offset: fields.half(10),
                })
            }
            8 => {
                let bytes = read(24)?;
                let fields = Fields(&bytes);
                Self::Folder(Listing { len: fields.word(4), block: fields.word(8), offset: fields.half(18) })
            }
            2 => {
                let bytes = read(16)?;
                let fields = Fields(&bytes);
                let [start, size] = [fields.word(0), fields.word(12)].map(u64::from);
                Self::File(File { start, size, fragment: fields.word(4), offset: fields.word(8) })
            }
            9 => {
                let bytes = read(40)?;
                let fields = Fields(&bytes);
                let (start, size) = (fields.long(0), fields.long(8));
                Self::File(File { start, size, fragment: fields.word(28), offset: fields.word(32) })
            }
            _ => Self::Other,
        })
    }
}
