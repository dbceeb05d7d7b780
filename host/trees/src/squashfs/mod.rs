//! squashfs 4, after the kernel's fs/squashfs/squashfs_fs.h.

mod content;
mod folder;
mod inode;
mod metadata;
mod unpack;

use crate::Error;
use crate::bytes::Fields;
use crate::error::damaged;
use crate::image::Image;
use crate::walk::{Inodes, Node};
use inode::Inode;
use metadata::{Metadata, Place};
use unpack::Compression;

/// A squashfs image.
pub(crate) struct Squashfs<'a> {
    metadata: Metadata<'a>,
    image: &'a Image<'a>,
    /// The size of a file's blocks in bytes.
    block: u64,
    root: u64,
    /// Where the tables begin, in bytes.
    inodes: u64,
    folders: u64,
    fragments: u64,
    fragment_count: u32,
}

impl<'a> Squashfs<'a> {
    pub(crate) fn open(image: &'a Image<'a>) -> Result<Self, Error> {
        let bytes = image.read(0, 96, "superblock")?;
        let fields = Fields(&bytes);
        let (block, bits) = (u64::from(fields.word(12)), fields.half(22));
        if !(12..=20).contains(&bits) || block != 1 << bits {
            return damaged(format!("its blocks have {block} bytes"));
        }
        Ok(Self {
            metadata: Metadata::new(image, Compression::find(fields.half(20))?),
            image,
            block,
            root: fields.long(32),
            inodes: fields.long(64),
            folders: fields.long(72),
            fragments: fields.long(80),
            fragment_count: fields.word(16),
        })
    }

    /// A place in a table, from a number that has the block's in its upper and the byte's in its lower bits.
    fn place(table: u64, block: u64, offset: u16) -> Result<Place, Error> {
        match table.checked_add(block) {
            Some(block) => Ok(Place { block, offset: offset.into() }),
            None => damaged("a table lies beyond its end"),
        }
    }
}

impl Inodes for Squashfs<'_> {
    fn root(&self) -> u64 {
        self.root
    }

    fn node(&self, number: u64) -> Result<Node, Error> {
        let mut place = Self::place(self.inodes, number >> 16, number as u16)?;
        match Inode::read(&self.metadata, &mut place)? {
            Inode::Folder(listing) => self.folder(&listing).map(Node::Folder),
            Inode::File(file) => self.content(file, &mut place).map(Node::File),
            Inode::Other => Ok(Node::Other),
        }
    }
}
