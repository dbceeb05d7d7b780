//! Unpacking, piece by piece.

use crate::gzip::GzipUnpacker;
use crate::input::Input;
use crate::lz4::Lz4Unpacker;
use crate::{Error, Packing};
use std::io::Read;

/// Unpacks what a [`Packer`](crate::Packer) makes, and the same formats from other hands.
///
/// Memory: gzip 75 KiB, LZ4 132 KiB, whatever the packed bytes say.
pub struct Unpacker<R> {
    kind: Kind<R>,
    expected: u64,
    left: u64,
    over: bool,
}

enum Kind<R> {
    Gzip(Box<GzipUnpacker<R>>),
    Lz4(Box<Lz4Unpacker<R>>),
}

impl<R: Read> Unpacker<R> {
    /// An unpacker of the next `packed` bytes of `source`, which hold `unpacked` bytes. It reads a few KiB at a time.
    pub fn new(packing: Packing, source: R, packed: u64, unpacked: u64) -> Self {
        let input = Input::new(source, packed);
        let kind = match packing {
            Packing::Gzip(_) => Kind::Gzip(Box::new(GzipUnpacker::new(input))),
            Packing::Lz4Legacy(_) => Kind::Lz4(Box::new(Lz4Unpacker::new(input, unpacked))),
        };
        Self { kind, expected: unpacked, left: unpacked, over: false }
    }

    /// Puts the next unpacked bytes into `out` and returns how many, at least one unless `out` is empty; 0 when there
    /// are no more. The last ones are given once all packed bytes have been read, and the checksum of gzip is right.
    /// LZ4 has none.
    ///
    /// # Errors
    /// [`Error::Read`] if the source fails, [`Error::Damaged`] if this can't be unpacked, [`Error::Length`] if it
    /// unpacks to another length. What has been given before is then worth nothing, and so is the unpacker.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        if out.is_empty() || self.over {
            return Ok(0);
        }
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut count = 0;
        if let Some(out) = out.get_mut(..most).filter(|out| !out.is_empty()) {
            count = self.next(out)?;
            if count == 0 {
                return Err(Error::Length { expected: self.expected });
            }
        }
        self.left -= count as u64;
        if self.left == 0 {
            if self.next(&mut [0])? != 0 {
                return Err(Error::Length { expected: self.expected });
            }
            self.over = true;
        }
        Ok(count)
    }

    fn next(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        match &mut self.kind {
            Kind::Gzip(unpacker) => unpacker.read(out),
            Kind::Lz4(unpacker) => unpacker.read(out),
        }
    }
}
