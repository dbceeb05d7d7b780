//! Where each block of a file lies, so that it can be read at random.

use super::{BLOCK, BlockUnpacker, MAGIC, most_packed};
use crate::Error;
use crate::input::Input;
use std::io::{self, Read};
use std::ops::Range;

/// The blocks of a file that `lz4 -l` made.
#[derive(Clone, Debug)]
pub struct Lz4Index {
    /// Where each block's packed bytes end; each begins with its length.
    ends: Vec<u64>,
    unpacked: u64,
}

/// Where a block lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lz4Block {
    /// Its packed bytes in the file.
    pub packed: Range<u64>,
    /// Its bytes among the unpacked ones.
    pub unpacked: Range<u64>,
}

impl Lz4Index {
    /// What a block unpacks to, in bytes, but for the last one.
    pub const BLOCK: u64 = BLOCK as u64;

    /// Reads where the blocks lie of a file of `packed` bytes that unpacks to `unpacked`: 4 bytes a block, which
    /// `read_at` fills its buffer with, from an offset in the file. 8 bytes of memory a block.
    ///
    /// # Errors
    /// [`Error::Read`] if `read_at` fails, [`Error::Damaged`] if the blocks can't be those of such a file.
    pub fn read(
        packed: u64,
        unpacked: u64,
        mut read_at: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
    ) -> Result<Self, Error> {
        let mut u32_at = |offset: u64| {
            let mut field = [0; 4];
            read_at(offset, &mut field).map_err(Error::Read)?;
            Ok(field)
        };
        let too_long = Error::Damaged { problem: "a block is too long" };
        let mut end = MAGIC.len() as u64;
        if packed < end || u32_at(0)? != MAGIC {
            return Err(Error::Damaged { problem: "it is not in LZ4's legacy format" });
        }
        // No more blocks than there are bytes for.
        let count = unpacked.div_ceil(Self::BLOCK);
        if count > packed / 5 {
            return Err(Error::Damaged { problem: "it ends too early" });
        }
        let mut ends = Vec::new();
        let mut left = unpacked;
        while left != 0 {
            let length = left.min(Self::BLOCK);
            let start = end + 4;
            if start > packed {
                return Err(Error::Damaged { problem: "it ends too early" });
            }
            let block = u64::from(u32::from_le_bytes(u32_at(end)?));
            if block > most_packed(length) || block > packed - start {
                return Err(too_long);
            }
            left -= length;
            end = start + block;
            ends.push(end);
        }
        if end != packed {
            return Err(Error::Damaged { problem: "something follows its end" });
        }
        Ok(Self { ends, unpacked })
    }

    /// How many bytes the file unpacks to.
    pub fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// The block that holds the unpacked byte at `offset`; `None` behind the last.
    pub fn block(&self, offset: u64) -> Option<Lz4Block> {
        if offset >= self.unpacked {
            return None;
        }
        let index = offset / Self::BLOCK;
        let at = usize::try_from(index).ok()?;
        let end = *self.ends.get(at)?;
        let before = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => MAGIC.len() as u64,
        };
        let start = index * Self::BLOCK;
        Some(Lz4Block { packed: before + 4..end, unpacked: start..self.unpacked.min(start + Self::BLOCK) })
    }
}

/// Unpacks one block of a file. Memory: 132 KiB.
#[derive(Clone)]
pub struct Lz4BlockReader<R> {
    input: Input<R>,
    block: BlockUnpacker,
}

impl<R: Read> Lz4BlockReader<R> {
    /// A reader of this block, whose packed bytes `source` gives from their start.
    pub fn new(block: &Lz4Block, source: R) -> Self {
        let packed = block.packed.end.saturating_sub(block.packed.start);
        let unpacked = block.unpacked.end.saturating_sub(block.unpacked.start).min(Lz4Index::BLOCK);
        let mut unpacker = BlockUnpacker::new();
        unpacker.begin(packed, unpacked as usize);
        Self { input: Input::new(source, packed), block: unpacker }
    }

    /// Puts the next unpacked bytes into `out` and returns how many, at least one unless `out` is empty; 0 at the end
    /// of the block.
    ///
    /// # Errors
    /// [`Error::Read`] if the source fails, [`Error::Damaged`] if this can't be unpacked to the block's length. What
    /// has been given before is then worth nothing.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        if out.is_empty() {
            return Ok(0);
        }
        self.block.read(&mut self.input, out)
    }
}
