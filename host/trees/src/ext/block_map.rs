//! Content by blocks, as ext2 has it: twelve of them, then a block with more, then one with blocks of more, and a third
//! level.

use super::{Ext, Inode};
use crate::Error;
use crate::bytes::word;
use crate::extents::Extents;

/// The blocks that are named in the inode itself.
const DIRECT: u64 = 12;

impl Ext<'_> {
    pub(super) fn block_map(&self, inode: &Inode, extents: &mut Extents<'_>) -> Result<(), Error> {
        let per_block = self.block / 4;
        let mut offset = 0;
        for (index, number) in numbers(&inode.map).enumerate() {
            let level = (index as u64 + 1).saturating_sub(DIRECT) as u32;
            self.blocks(inode, number, level, offset, extents)?;
            offset += per_block.pow(level);
        }
        Ok(())
    }

    /// Follows one number: a block of content from block `offset` of the file on, or a block of numbers of the level below.
    fn blocks(
        &self,
        inode: &Inode,
        number: u32,
        level: u32,
        offset: u64,
        extents: &mut Extents<'_>,
    ) -> Result<(), Error> {
        // A hole, however large; or what the file has given up.
        if number == 0 || offset.saturating_mul(self.block) >= inode.size {
            return Ok(());
        }
        let Some(below) = level.checked_sub(1) else {
            return self.push(inode, extents, offset, number.into(), 1);
        };
        let table = self.read_block(number.into(), "block map")?;
        let each = (self.block / 4).pow(below);
        for (number, offset) in numbers(&table).zip((offset..).step_by(each as usize)) {
            self.blocks(inode, number, below, offset, extents)?;
        }
        Ok(())
    }
}

fn numbers(table: &[u8]) -> impl Iterator<Item = u32> {
    table.chunks_exact(4).filter_map(|bytes| word(bytes, 0))
}
