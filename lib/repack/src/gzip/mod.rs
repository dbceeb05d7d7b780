//! What GNU gzip 1.12 makes of bytes, written from RFC 1951 and 1952 and zlib's published scheme, and held against the
//! tool; and back.

mod bits;
mod block;
pub(crate) mod codes;
mod decode;
mod matches;
mod trees;
mod unpack;

pub(crate) use unpack::GzipUnpacker;

use crate::GzipLevel;
use crate::crc32::Crc32;
use bits::BitWriter;
use block::Block;
use codes::MIN_MATCH;
use matches::{ENOUGH, Effort, Window};
use std::io::{self, Write};

/// A match of three bytes that is farther than this costs more than the bytes.
const TOO_FAR: usize = 4096;

/// Packs bytes as `gzip` does, without the header.
pub(crate) struct GzipPacker {
    level: GzipLevel,
    effort: Effort,
    window: Window,
    block: Block,
    bits: BitWriter,
    /// The match that was found one byte before, and waits for a better one: its distance and its length.
    previous: (usize, usize),
    /// Whether the byte before waits for a better match.
    waiting: bool,
    crc: Crc32,
    length: u32,
}

impl GzipPacker {
    pub(crate) fn new(level: GzipLevel) -> Self {
        Self {
            level,
            effort: effort(level),
            window: Window::new(),
            block: Block::new(),
            bits: BitWriter::new(),
            previous: (0, MIN_MATCH - 1),
            waiting: false,
            crc: Crc32::new(),
            length: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.crc.update(bytes);
        self.length = self.length.wrapping_add(bytes.len() as u32);
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.window.fill(rest);
            if self.window.is_full() {
                self.cover(ENOUGH, out)?;
                self.window.turn();
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.cover(ENOUGH, out)?;
        self.window.turn();
        self.window.end();
        self.cover(1, out)?;
        if self.waiting {
            self.block.literal(self.window.byte_before());
        }
        self.send(true, out)?;
        self.bits.align();
        self.bits.put(self.crc.value(), 32);
        self.bits.put(self.length, 32);
        self.bits.flush(out)
    }

    /// Covers the bytes ahead while there are at least `fewest`.
    fn cover(&mut self, fewest: usize, out: &mut dyn Write) -> io::Result<()> {
        while self.window.ahead >= fewest {
            if self.level.get() > 3 { self.lazy_step(out)? } else { self.eager_step(out)? }
        }
        Ok(())
    }

    fn send(&mut self, last: bool, out: &mut dyn Write) -> io::Result<()> {
        self.block.send(self.window.block(), last, &mut self.bits, out)?;
        self.window.begin_block();
        Ok(())
    }

    /// Whether the block should be sent, now that one more symbol is in it.
    fn is_over(&self) -> bool {
        self.block.is_over(self.window.covered(), self.level.get() > 2)
    }

    /// Takes the longest match here, or one byte.
    fn eager_step(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let first = self.window.enter();
        let mut length = 0;
        if self.window.may_match(first) {
            length = self.window.search(first, MIN_MATCH - 1, &self.effort);
        }
        let over;
        if length < MIN_MATCH {
            self.block.literal(self.window.byte());
            over = self.is_over();
            self.window.advance();
        } else {
            self.block.matched(self.window.distance(), length);
            over = self.is_over();
            if length <= self.effort.lazy {
                self.window.advance_and_enter(length - 1);
                self.window.advance();
            } else {
                self.window.jump(length);
            }
        }
        if over { self.send(false, out) } else { Ok(()) }
    }

    /// Looks for a match here, and takes the one found a byte before if this is not better.
    fn lazy_step(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let first = self.window.enter();
        let (distance_before, length_before) = self.previous;
        let mut length = MIN_MATCH - 1;
        if length_before < self.effort.lazy && self.window.may_match(first) {
            length = self.window.search(first, length_before, &self.effort);
            if length == MIN_MATCH && self.window.distance() > TOO_FAR {
                length -= 1;
            }
        }
        if length_before >= MIN_MATCH && length <= length_before {
            self.block.matched(distance_before, length_before);
            let over = self.is_over();
            self.window.advance_and_enter(length_before - 2);
            self.window.advance();
            self.waiting = false;
            self.previous = (0, MIN_MATCH - 1);
            return if over { self.send(false, out) } else { Ok(()) };
        }
        self.previous = (self.window.distance(), length);
        if self.waiting {
            self.block.literal(self.window.byte_before());
            // The byte that waits now belongs to the next block, but lies behind what this one covers.
            if self.is_over() {
                self.send(false, out)?;
            }
        }
        self.waiting = true;
        self.window.advance();
        Ok(())
    }
}

fn effort(level: GzipLevel) -> Effort {
    let (good, lazy, nice, chain) = match level.get() {
        ..=1 => (4, 4, 8, 4),
        2 => (4, 5, 16, 8),
        3 => (4, 6, 32, 32),
        4 => (4, 4, 16, 16),
        5 => (8, 16, 32, 32),
        6 => (8, 16, 128, 128),
        7 => (8, 32, 128, 256),
        8 => (32, 128, 258, 1024),
        9.. => (32, 258, 258, 4096),
    };
    Effort { good, lazy, nice, chain }
}
