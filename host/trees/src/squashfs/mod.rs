//! squashfs 4, after the kernel's fs/squashfs/squashfs_fs.h.

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

    /// Where a block of fragments is, and its size as [`inode::Stretch`] has it.
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
        match self.inode(&mut place)? {
            Inode::Folder(listing) => self.folder(&listing).map(Node::Folder),
            Inode::File(file) => self.content(file, &mut place).map(Node::File),
            Inode::Other => Ok(Node::Other),
        }
    }
}
