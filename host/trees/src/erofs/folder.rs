//! Directories: blocks of their own, each with its entries first and the names after them.

use super::{Erofs, Inode};
use crate::bytes::Fields;
use crate::error::damaged;
use crate::walk::Entries;
use crate::{Error, Extent};

/// The size of an entry without its name, in bytes.
const ENTRY: usize = 12;

impl Erofs<'_> {
    pub(super) fn folder(&self, number: u64, inode: &Inode) -> Result<Entries, Error> {
        let Some(extents) = self.plain(number, inode)? else {
            return damaged(format!("directory {number} is on another device"));
        };
        let mut entries = Entries::default();
        let mut end = 0;
        for Extent { offset, at, len } in extents {
            if offset != end {
                return damaged(format!("directory {number} has holes"));
            }
            end += len;
            for start in (0..len).step_by(self.block as usize) {
                let block = self.image.read(at + start, self.block.min(len - start), "directories")?;
                add(&block, number, &mut entries)?;
            }
        }
        Ok(entries)
    }
}

/// Adds the entries of one block of a directory.
fn add(block: &[u8], number: u64, entries: &mut Entries) -> Result<(), Error> {
    // The first name begins where the entries end.
    let end = usize::from(Fields(block).half(8));
    let table = block.get(..end).unwrap_or_default();
    if table.is_empty() || table.len() % ENTRY != 0 {
        return damaged(format!("directory {number} has a block without entries"));
    }
    let mut table = table.chunks_exact(ENTRY).map(Fields).peekable();
    while let Some(entry) = table.next() {
        let start = usize::from(entry.half(8));
        let name = match table.peek() {
            Some(next) => block.get(start..next.half(8).into()),
            None => block.get(start..).and_then(|rest| rest.split(|byte| *byte == 0).next()),
        };
        let Some(name) = name else {
            return damaged(format!("directory {number} has an entry without a name"));
        };
        entries.push(name, entry.long(0))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(names: &[&[u8]], len: usize) -> Vec<u8> {
        let mut block = Vec::new();
        let mut start = names.len() * ENTRY;
        for (number, name) in names.iter().enumerate() {
            block.extend((number as u64).to_le_bytes());
            block.extend((start as u16).to_le_bytes());
            block.extend([1, 0]);
            start += name.len();
        }
        block.extend(names.concat());
        block.resize(len, 0);
        block
    }

    #[test]
    fn the_last_name_ends_with_a_nul_or_with_the_block() {
        for len in [64, 43] {
            let mut entries = Entries::default();
            add(&block(&[b".", b"..", b"last"], len), 1, &mut entries).unwrap();
            assert!(entries.iter().eq([(&b"last"[..], 2)]));
        }
    }

    #[test]
    fn offsets_that_lead_nowhere_are_damage() {
        let good = block(&[b"a", b"b"], 64);
        for (at, value) in [(8, 0_u16), (8, 13), (8, 600), (20, 23), (20, 65)] {
            let mut bad = good.clone();
            bad[at..at + 2].copy_from_slice(&value.to_le_bytes());
            assert!(add(&bad, 1, &mut Entries::default()).is_err(), "{at} {value}");
        }
        assert!(add(&[], 1, &mut Entries::default()).is_err());
    }
}
