//! Content by extents: a tree of blocks whose leaves say which blocks of the image are which of the file.

use super::{Ext, Inode};
use crate::Error;
use crate::bytes::{Fields, joined};
use crate::error::damaged;
use crate::extents::Extents;

const MAGIC: u16 = 0xf30a;
/// The deepest tree: more can't be needed.
const MAX_DEPTH: u16 = 5;
/// The size of a node's header and of each of its entries, in bytes.
const ENTRY: usize = 12;
/// Longer ones are that much shorter, and have no content yet: they read as zeros.
const UNWRITTEN: u64 = 32768;

impl Ext<'_> {
    pub(super) fn extent_tree(&self, inode: &Inode, extents: &mut Extents<'_>) -> Result<(), Error> {
        self.node_of_extents(inode, &inode.map, None, extents)
    }

    /// Follows one node of the tree: the root, or one of a depth that its parent knows.
    fn node_of_extents(
        &self,
        inode: &Inode,
        node: &[u8],
        depth: Option<u16>,
        extents: &mut Extents<'_>,
    ) -> Result<(), Error> {
        let header = Fields(node);
        let (entries, found) = (usize::from(header.half(2)), header.half(6));
        let table = node.get(ENTRY..ENTRY * (entries + 1));
        let expected = depth.map_or(found <= MAX_DEPTH, |depth| found == depth);
        let Some(table) = table.filter(|_| header.half(0) == MAGIC && expected) else {
            return damaged(format!("inode {} has a node of extents that is none", inode.number));
        };
        for entry in table.chunks_exact(ENTRY).map(Fields) {
            let Some(below) = found.checked_sub(1) else {
                let (offset, count) = (entry.word(0).into(), u64::from(entry.half(4)));
                if count <= UNWRITTEN {
                    self.push(inode, extents, offset, joined(entry.half(6), entry.word(8)), count)?;
                }
                continue;
            };
            let node = self.read_block(joined(entry.half(8), entry.word(4)), "extents")?;
            self.node_of_extents(inode, &node, Some(below), extents)?;
        }
        Ok(())
    }
}
