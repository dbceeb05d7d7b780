//! Directories, read from one end to the other. The nodes of a hashed one look like entries without an inode.

use super::{Ext, INSIDE, Inode};
use crate::bytes::Fields;
use crate::error::{damaged, unsupported};
use crate::walk::Entries;
use crate::{Error, Extent};

/// The size of an entry without its name, in bytes.
const ENTRY: usize = 8;

impl Ext<'_> {
    pub(super) fn folder(&self, inode: &Inode) -> Result<Entries, Error> {
        let mut entries = Entries::default();
        if inode.flags & INSIDE != 0 {
            // What does not fit into the inode is among its attributes.
            if inode.size > inode.map.len() as u64 {
                return unsupported(format!(
                    "directory {}, whose entries are among its attributes,",
                    inode.number
                ));
            }
            // The number of the directory above is first.
            self.add(inode, inode.map.get(4..).unwrap_or_default(), &mut entries)?;
            return Ok(entries);
        }
        for Extent { at, len, .. } in self.extents(inode)? {
            for start in (0..len).step_by(self.block as usize) {
                let block = self.image.read(at + start, self.block.min(len - start), "directories")?;
                self.add(inode, &block, &mut entries)?;
            }
        }
        Ok(entries)
    }

    /// Adds the entries of one block of a directory.
    fn add(&self, inode: &Inode, mut block: &[u8], entries: &mut Entries) -> Result<(), Error> {
        while !block.is_empty() {
            let fields = Fields(block);
            let len = match fields.half(4) {
                // The whole block, where sixteen bits are not enough.
                0 | 0xffff if self.block == 1 << 16 => 1 << 16,
                len => usize::from(len).max(ENTRY),
            };
            // Where names can't have more than 255 bytes, the second byte of their length is the inode's type.
            let name = ENTRY..ENTRY + usize::from(fields.byte(6));
            let parts = block.split_at_checked(len).and_then(|(entry, rest)| Some((entry.get(name)?, rest)));
            let Some((name, rest)) = parts else {
                return damaged(format!("directory {} has an entry that is none", inode.number));
            };
            if fields.word(0) != 0 {
                entries.push(name, fields.word(0).into())?;
            }
            block = rest;
        }
        Ok(())
    }
}
