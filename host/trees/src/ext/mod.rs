//! ext2, ext3 and ext4, after the kernel's fs/ext4/ext4.h, ext4_extents.h and Documentation/filesystems/ext4.

mod block_map;
mod extent_tree;
mod folder;

use crate::bytes::{Fields, joined};
use crate::error::{damaged, unsupported};
use crate::extents::Extents;
use crate::image::Image;
use crate::walk::{Content, Inodes, Node};
use crate::{Error, Extent, Stored};

const ROOT: u64 = 2;
/// Features that a reader must know: entries with types, a journal to be replayed, groups of descriptors, extents, 64 bits,
/// protection against several mounts, flexible groups, attributes in inodes, a checksum's seed, large directories, content
/// in inodes, encryption, names without case.
const KNOWN: u32 = 0x2
    | 0x4
    | META_GROUPS
    | 0x40
    | WIDE
    | 0x100
    | 0x200
    | 0x400
    | 0x2000
    | 0x4000
    | 0x8000
    | 0x1_0000
    | 0x2_0000;
const META_GROUPS: u32 = 0x10;
const WIDE: u32 = 0x80;
/// A read-only feature: superblocks and descriptors are not kept in all groups.
const SPARSE_SUPER: u32 = 0x1;

/// The smallest group, in blocks.
const LEAST_GROUP: u64 = 256;

/// Flags of inodes: encrypted, with extents, with content inside.
const ENCRYPTED: u32 = 0x800;
const EXTENTS: u32 = 0x8_0000;
const INSIDE: u32 = 0x1000_0000;

const FORMAT: u16 = 0o170_000;
const DIRECTORY: u16 = 0o040_000;
const REGULAR: u16 = 0o100_000;

/// An ext2, ext3 or ext4 image.
pub(crate) struct Ext<'a> {
    image: &'a Image<'a>,
    block: u64,
    inode_size: u64,
    inodes: u64,
    inodes_per_group: u64,
    /// Of each group the block at which its inodes begin.
    tables: Vec<u64>,
}

/// An inode, as far as it matters here.
struct Inode {
    number: u64,
    flags: u32,
    size: u64,
    /// The sixty bytes that say where the content is.
    map: Vec<u8>,
}

impl<'a> Ext<'a> {
    pub(crate) fn open(image: &'a Image<'a>) -> Result<Self, Error> {
        let bytes = image.read(1024, 1024, "superblock")?;
        let fields = Fields(&bytes);
        let incompatible = fields.word(0x60);
        if incompatible & !KNOWN != 0 {
            return unsupported(format!("a feature of ext4, {:#x},", incompatible & !KNOWN));
        }
        let block = match fields.word(0x18) {
            bits @ 0..=6 => 1024 << bits,
            bits => return damaged(format!("its blocks have 2^{} bytes", u64::from(bits) + 10)),
        };
        let revision = fields.word(0x4c);
        let inode_size = if revision == 0 { 128 } else { fields.half(0x58).into() };
        let wide = incompatible & WIDE != 0;
        let descriptor = if wide { u64::from(fields.half(0xfe)) } else { 32 };
        let blocks = joined(if wide { fields.word(0x150) } else { 0 }, fields.word(4));
        let (first, per_group) = (u64::from(fields.word(0x14)), u64::from(fields.word(0x20)));
        let inodes_per_group = u64::from(fields.word(0x28));
        let fits = (128..=block).contains(&inode_size) && (32..=block).contains(&descriptor);
        if !image.holds(0, blocks.saturating_mul(block)) {
            return damaged(format!("it has {blocks} blocks, which is more than the image holds"));
        }
        if !fits || inodes_per_group == 0 || per_group < LEAST_GROUP || first >= blocks {
            return damaged("its superblock has numbers that do not fit together");
        }
        let layout = Layout {
            block,
            first,
            per_group,
            descriptor,
            meta_from: if incompatible & META_GROUPS != 0 { fields.word(0x104).into() } else { u64::MAX },
            sparse: fields.word(0x64) & SPARSE_SUPER != 0,
        };
        let groups = (blocks - first).div_ceil(per_group);
        let tables = layout.tables(image, groups, wide)?;
        Ok(Self { image, block, inode_size, inodes: fields.word(0).into(), inodes_per_group, tables })
    }

    /// The inode of a number, with its mode.
    fn inode(&self, number: u64) -> Result<(u16, Inode), Error> {
        let index = number.wrapping_sub(1);
        let table = self.tables.get((index / self.inodes_per_group) as usize).filter(|_| index < self.inodes);
        let Some(table) = table else { return damaged(format!("there is no inode {number}")) };
        let at =
            table.saturating_mul(self.block).saturating_add(index % self.inodes_per_group * self.inode_size);
        let bytes = self.image.read(at, 128, "inodes")?;
        let fields = Fields(&bytes);
        let map = bytes.get(40..100).unwrap_or_default().to_vec();
        let size = joined(fields.word(108), fields.word(4));
        Ok((fields.half(0), Inode { number, flags: fields.word(32), size, map }))
    }

    /// Where the content of an inode lies.
    fn extents(&self, inode: &Inode) -> Result<Vec<Extent>, Error> {
        let mut extents = Extents::new(self.image);
        if inode.flags & EXTENTS != 0 {
            self.extent_tree(inode, &mut extents)?;
        } else {
            self.block_map(inode, &mut extents)?;
        }
        Ok(extents.finish())
    }

    /// Reads a block of metadata.
    fn read_block(&self, number: u64, what: &'static str) -> Result<Vec<u8>, Error> {
        self.image.read(number.saturating_mul(self.block), self.block, what)
    }

    /// Adds `count` blocks of content from block `start` on, as the blocks of the file from `offset` on.
    fn push(
        &self,
        inode: &Inode,
        extents: &mut Extents<'_>,
        offset: u64,
        start: u64,
        count: u64,
    ) -> Result<(), Error> {
        let bytes = |blocks: u64| blocks.saturating_mul(self.block);
        extents.push_plain(inode.size, bytes(offset), bytes(start), bytes(count))
    }
}

impl Inodes for Ext<'_> {
    fn root(&self) -> u64 {
        ROOT
    }

    fn node(&self, number: u64) -> Result<Node, Error> {
        let (mode, inode) = self.inode(number)?;
        // An encrypted directory's names are no names.
        match mode & FORMAT {
            _ if inode.flags & ENCRYPTED != 0 => Ok(Node::Other),
            DIRECTORY => self.folder(&inode).map(Node::Folder),
            REGULAR if inode.flags & INSIDE == 0 => {
                let extents = self.extents(&inode)?;
                Ok(Node::File(Content { size: inode.size, stored: Stored::Plain, extents }))
            }
            _ => Ok(Node::Other),
        }
    }
}

/// Where the descriptors of the groups are.
struct Layout {
    block: u64,
    /// The block that the first group begins with.
    first: u64,
    per_group: u64,
    /// The size of a descriptor in bytes.
    descriptor: u64,
    /// From which block of descriptors on each is in the first group of those that it describes.
    meta_from: u64,
    sparse: bool,
}

impl Layout {
    fn tables(&self, image: &Image<'_>, groups: u64, wide: bool) -> Result<Vec<u64>, Error> {
        let in_block = self.block / self.descriptor;
        let mut tables = Vec::new();
        for index in 0..groups.div_ceil(in_block) {
            let number = if index < self.meta_from {
                self.first + 1 + index
            } else {
                let group = index * in_block;
                self.first + group * self.per_group + u64::from(self.has_superblock(group))
            };
            let bytes = image.read(number.saturating_mul(self.block), self.block, "group descriptors")?;
            for descriptor in bytes.chunks_exact(self.descriptor as usize).map(Fields) {
                if (tables.len() as u64) < groups {
                    tables.push(joined(if wide { descriptor.word(0x28) } else { 0 }, descriptor.word(8)));
                }
            }
        }
        Ok(tables)
    }

    fn has_superblock(&self, group: u64) -> bool {
        let power =
            |of: u64| (0..).map_while(|exponent| of.checked_pow(exponent)).any(|power| power == group);
        !self.sparse || group == 0 || [3, 5, 7].into_iter().any(power)
    }
}
