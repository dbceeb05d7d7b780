//! Packed bytes, read piece by piece.

use crate::Error;
use std::io::{ErrorKind, Read};

/// How much is read at once, in bytes.
const PIECE: usize = 4096;

/// A source of packed bytes, and no more of it than there should be.
#[derive(Clone)]
pub(crate) struct Input<R> {
    source: R,
    piece: Box<[u8; PIECE]>,
    at: usize,
    end: usize,
    /// How many bytes may still be read from the source.
    left: u64,
}

impl<R: Read> Input<R> {
    /// The first `length` bytes of `source`.
    pub(crate) fn new(source: R, length: u64) -> Self {
        Self { source, piece: Box::new([0; PIECE]), at: 0, end: 0, left: length }
    }

    /// The bytes that are at hand, at least one unless all have been taken.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<&[u8], Error> {
        if self.at == self.end {
            self.refill()?;
        }
        Ok(&self.piece[self.at..self.end])
    }

    /// Reads the next bytes, if there are any.
    fn refill(&mut self) -> Result<(), Error> {
        while self.at == self.end && self.left != 0 {
            let most = PIECE.min(usize::try_from(self.left).unwrap_or(PIECE));
            match self.source.read(&mut self.piece[..most]) {
                Ok(0) => return Err(Error::Damaged { problem: "it ends too early" }),
                Ok(got) => {
                    let got = got.min(most);
                    (self.at, self.end) = (0, got);
                    self.left -= got as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(Error::Read(error)),
            }
        }
        Ok(())
    }

    /// Takes bytes that were at hand.
    pub(crate) fn take(&mut self, count: usize) {
        self.at = self.end.min(self.at + count);
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        let byte = self.peek()?.first().copied();
        self.take(1);
        byte.ok_or(Error::Damaged { problem: "it ends too early" })
    }

    /// The next four bytes, as a little-endian number.
    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        for place in &mut bytes {
            *place = self.byte()?;
        }
        Ok(u32::from_le_bytes(bytes))
    }

    /// How many bytes have not been taken.
    pub(crate) fn left(&self) -> u64 {
        self.left + (self.end - self.at) as u64
    }
}
