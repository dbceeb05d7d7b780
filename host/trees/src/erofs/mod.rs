//! EROFS, after the kernel's fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst.

mod content;
mod folder;
mod packed;

use crate::Error;
use crate::bytes::Fields;
use crate::error::{damaged, unsupported};
use crate::image::Image;
use crate::walk::{Inodes, Node};

/// Where the superblock is, in bytes.
const SUPERBLOCK: u64 = 1024;
/// The features that a reader must know, of those that do not change what is read here: 0x1 to 0x40, up to long prefixes of
/// extended attributes.
const KNOWN: u32 = 0x7f;
/// Of these: parts of files packed together, or several times used. The clusters of a file need not be in a row.
const SHARED_CLUSTERS: u32 = 0x20;
/// The unit of inode numbers, in bytes.
const SLOT: u64 = 32;

const FORMAT: u16 = 0o170_000;
const DIRECTORY: u16 = 0o040_000;
const REGULAR: u16 = 0o100_000;

/// An EROFS image.
pub(crate) struct Erofs<'a> {
    image: &'a Image<'a>,
    block: u64,
    incompatible: u32,
    root: u64,
    /// Where inode 0 would be, in bytes.
    inodes: u64,
}

/// An inode, as far as it matters here.
struct Inode {
    size: u64,
    layout: Layout,
    /// The number whose meaning the layout says.
    union: u32,
    /// Where what follows the inode and its extended attributes begins, in bytes.
    tail: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Plain,
    PackedFull,
    Inline,
    PackedCompact,
    Chunks,
}

impl<'a> Erofs<'a> {
    pub(crate) fn open(image: &'a Image<'a>) -> Result<Self, Error> {
        let bytes = image.read(SUPERBLOCK, 128, "superblock")?;
        let fields = Fields(&bytes);
        let incompatible = fields.word(80);
        if incompatible & !KNOWN != 0 {
            return unsupported(format!("a feature of EROFS, {:#x},", incompatible & !KNOWN));
        }
        if fields.byte(90) != 0 {
            return unsupported("an EROFS directory block of another size");
        }
        let bits = fields.byte(12);
        if !(9..=16).contains(&bits) {
            return damaged(format!("its blocks have 2^{bits} bytes"));
        }
        let block = 1 << bits;
        let inodes = u64::from(fields.word(40)) * block;
        Ok(Self { image, block, incompatible, root: fields.half(14).into(), inodes })
    }

    /// The inode of a number, with its mode.
    fn inode(&self, number: u64) -> Result<(u16, Inode), Error> {
        let Some(at) = number.checked_mul(SLOT).and_then(|at| at.checked_add(self.inodes)) else {
            return damaged(format!("inode {number} lies beyond its end"));
        };
        let short = self.image.read(at, 32, "inodes")?;
        let format = Fields(&short).half(0);
        let extended = format & 1 != 0;
        let whole = if extended { self.image.read(at, 64, "inodes")? } else { short };
        let fields = Fields(&whole);
        let layout = match format >> 1 {
            0 => Layout::Plain,
            1 => Layout::PackedFull,
            2 => Layout::Inline,
            3 => Layout::PackedCompact,
            4 => Layout::Chunks,
            other => return unsupported(format!("EROFS inode format {other}")),
        };
        let attributes = match u64::from(fields.half(2)) {
            0 => 0,
            count => 12 + (count - 1) * 4,
        };
        let size = if extended { fields.long(8) } else { fields.word(8).into() };
        let tail = at + whole.len() as u64 + attributes;
        Ok((fields.half(4), Inode { size, layout, union: fields.word(16), tail }))
    }
}

impl Inodes for Erofs<'_> {
    fn root(&self) -> u64 {
        self.root
    }

    fn node(&self, number: u64) -> Result<Node, Error> {
        let (mode, inode) = self.inode(number)?;
        match mode & FORMAT {
            DIRECTORY => self.folder(number, &inode).map(Node::Folder),
            REGULAR => Ok(self.content(number, &inode)?.map_or(Node::Other, Node::File)),
            _ => Ok(Node::Other),
        }
    }
}
