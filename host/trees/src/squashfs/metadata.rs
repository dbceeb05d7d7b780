//! Blocks of metadata: compressed, one after the other, read as one stream.

use super::unpack::Compression;
use crate::Error;
use crate::bytes::Fields;
use crate::error::damaged;
use crate::image::Image;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The size of a block, unpacked, in bytes. Only the last one of a table is smaller.
const BLOCK: usize = 8192;
/// Of a block's header: it is not compressed. The other bits are its size.
const AS_IT_IS: u16 = 0x8000;
/// How many unpacked blocks are kept: 8 MiB.
const KEPT: usize = 1024;

/// A byte of the stream.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Where its block begins in the image.
    pub(super) block: u64,
    /// Which byte of the unpacked block it is.
    pub(super) offset: usize,
}

/// A block, unpacked, and where the next one begins.
struct Block {
    content: Vec<u8>,
    next: u64,
}

/// The metadata of an image.
pub(super) struct Metadata<'a> {
    image: &'a Image<'a>,
    compression: Compression,
    kept: RefCell<HashMap<u64, Rc<Block>>>,
}

impl<'a> Metadata<'a> {
    pub(super) fn new(image: &'a Image<'a>, compression: Compression) -> Self {
        Self { image, compression, kept: RefCell::default() }
    }

    /// Reads `len` bytes from a place, which is then behind them.
    pub(super) fn read(&self, place: &mut Place, len: usize, what: &'static str) -> Result<Vec<u8>, Error> {
        self.image.take(len as u64)?;
        let mut read = Vec::new();
        while read.len() < len {
            let block = self.block(place.block, what)?;
            let Some(rest) = block.content.get(place.offset..).filter(|_| !block.content.is_empty()) else {
                return damaged(format!("its {what} end in the middle of one of them"));
            };
            let part = rest.get(..len - read.len()).unwrap_or(rest);
            read.extend_from_slice(part);
            place.offset += part.len();
            if place.offset == block.content.len() {
                *place = Place { block: block.next, offset: 0 };
            }
        }
        Ok(read)
    }

    fn block(&self, at: u64, what: &'static str) -> Result<Rc<Block>, Error> {
        if let Some(block) = self.kept.borrow().get(&at) {
            return Ok(block.clone());
        }
        let header = Fields(&self.image.read(at, 2, what)?).half(0);
        let len = u64::from(header & !AS_IT_IS);
        let stored = self.image.read(at + 2, len, what)?;
        let content = match header & AS_IT_IS {
            0 => self.compression.unpack(&stored, BLOCK),
            _ => (stored.len() <= BLOCK).then_some(stored),
        };
        // However little was read, a block had to be unpacked.
        self.image.take(BLOCK as u64)?;
        let Some(content) = content else {
            return damaged(format!("its {what} can't be unpacked, at byte {at}"));
        };
        let block = Rc::new(Block { content, next: at + 2 + len });
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(at, block.clone());
        Ok(block)
    }
}
