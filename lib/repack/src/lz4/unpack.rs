//! LZ4 blocks, and files of them, back to bytes.

use super::{BLOCK, LONG, MAGIC, MIN_MATCH, most_packed};
use crate::Error;
use crate::input::Input;
use crate::window::Window;
use std::io::Read;

/// Twice the farthest distance.
const WINDOW: usize = 2 << 16;
/// No length is longer than a block.
const TOO_LONG: Error = Error::Damaged { problem: "a length is too long" };

/// Unpacks one block.
#[derive(Clone)]
pub(crate) struct BlockUnpacker {
    window: Window,
    /// Of the block's packed bytes, how many have not been taken.
    packed: u64,
    /// Of its unpacked bytes, how many have not come out.
    unpacked: usize,
    /// Literals that follow, and the shorter half of the token.
    literals: usize,
    token: Option<u8>,
    /// A match that is not finished: its distance, and how much of it is left.
    pending: (usize, usize),
}

impl BlockUnpacker {
    pub(crate) fn new() -> Self {
        Self {
            window: Window::new(WINDOW),
            packed: 0,
            unpacked: 0,
            literals: 0,
            token: None,
            pending: (0, 0),
        }
    }

    /// Begins a block whose packed and unpacked lengths these are.
    pub(crate) fn begin(&mut self, packed: u64, unpacked: usize) {
        self.window.clear();
        (self.packed, self.unpacked) = (packed, unpacked);
        (self.literals, self.token, self.pending) = (0, None, (0, 0));
    }

    /// The next bytes of the block; 0 at its end.
    pub(crate) fn read<R: Read>(&mut self, input: &mut Input<R>, out: &mut [u8]) -> Result<usize, Error> {
        while self.window.waiting() == 0 {
            if !self.advance(input)? {
                return Ok(0);
            }
        }
        Ok(self.window.give(out))
    }

    /// Goes on until there is no more room, or the block ends. Returns whether there was anything left.
    fn advance<R: Read>(&mut self, input: &mut Input<R>) -> Result<bool, Error> {
        let (start, room) = (self.unpacked, self.window.room());
        while room > start - self.unpacked {
            if self.literals != 0 {
                let read = self.window.read(input, self.literals)?;
                self.literals -= read;
                self.unpacked -= read;
                self.packed = self.packed.checked_sub(read as u64).ok_or(TOO_LONG)?;
            } else if self.pending.1 != 0 {
                let (distance, left) = self.pending;
                let copied = self.window.repeat(distance, left);
                self.pending.1 -= copied;
                self.unpacked -= copied;
            } else if self.packed == 0 {
                return self.at_end().map(|()| start != self.unpacked);
            } else if let Some(token) = self.token.take() {
                self.matched(input, token)?;
            } else {
                let token = self.byte(input)?;
                self.literals = self.length(input, token >> 4)?;
                self.fits(self.literals)?;
                self.token = Some(token);
            }
        }
        Ok(true)
    }

    /// A block ends with literals, when it has come to its length.
    fn at_end(&self) -> Result<(), Error> {
        match (self.unpacked, self.token) {
            (0, Some(_)) => Ok(()),
            // A block that has not been begun, or has been left.
            (0, None) if self.window.is_empty() => Ok(()),
            _ => Err(Error::Damaged { problem: "a block ends too early" }),
        }
    }

    fn matched<R: Read>(&mut self, input: &mut Input<R>, token: u8) -> Result<(), Error> {
        let distance = usize::from(u16::from_le_bytes([self.byte(input)?, self.byte(input)?]));
        let length = self.length(input, token & 15)? + MIN_MATCH;
        if !self.window.reaches(distance) {
            return Err(Error::Damaged { problem: "a match reaches back too far" });
        }
        self.fits(length)?;
        self.pending = (distance, length);
        Ok(())
    }

    fn fits(&self, length: usize) -> Result<(), Error> {
        if length > self.unpacked { Err(TOO_LONG) } else { Ok(()) }
    }

    fn length<R: Read>(&mut self, input: &mut Input<R>, short: u8) -> Result<usize, Error> {
        let mut length = usize::from(short);
        let mut more = length == LONG;
        while more {
            let byte = self.byte(input)?;
            length += usize::from(byte);
            more = byte == 255;
            if length > BLOCK {
                return Err(TOO_LONG);
            }
        }
        Ok(length)
    }

    fn byte<R: Read>(&mut self, input: &mut Input<R>) -> Result<u8, Error> {
        self.packed =
            self.packed.checked_sub(1).ok_or(Error::Damaged { problem: "a block ends too early" })?;
        input.byte()
    }
}

/// Unpacks a file.
pub(crate) struct Lz4Unpacker<R> {
    input: Input<R>,
    block: BlockUnpacker,
    begun: bool,
    /// How many bytes the blocks that have not been begun unpack to.
    left: u64,
}

impl<R: Read> Lz4Unpacker<R> {
    pub(crate) fn new(input: Input<R>, unpacked: u64) -> Self {
        Self { input, block: BlockUnpacker::new(), begun: false, left: unpacked }
    }

    /// The next bytes; 0 at the end, when nothing follows.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        if !std::mem::replace(&mut self.begun, true) && self.input.u32()?.to_le_bytes() != MAGIC {
            return Err(Error::Damaged { problem: "it is not in LZ4's legacy format" });
        }
        loop {
            let count = self.block.read(&mut self.input, out)?;
            if count != 0 {
                return Ok(count);
            }
            if self.input.left() == 0 && self.left == 0 {
                return Ok(0);
            }
            self.header()?;
        }
    }

    fn header(&mut self) -> Result<(), Error> {
        let unpacked = self.left.min(BLOCK as u64);
        if unpacked == 0 {
            return Err(Error::Damaged { problem: "something follows its end" });
        }
        let packed = u64::from(self.input.u32()?);
        if packed > most_packed(unpacked) || packed > self.input.left() {
            return Err(Error::Damaged { problem: "a block is too long" });
        }
        self.left -= unpacked;
        self.block.begin(packed, unpacked as usize);
        Ok(())
    }
}
