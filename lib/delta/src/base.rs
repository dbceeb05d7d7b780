//! The base, with what is in its packed parts.

use crate::packed::{Packed, UNPACKED};
use drydock_format::ReadAt;
use drydock_repack::{Lz4BlockReader, Lz4Index, Packing, Unpacker};
use std::io::{self, Error, ErrorKind, Read};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// How many pieces of contents are kept: what gzip has packed whole, of a kernel blocks of 8 MiB.
const KEPT: usize = 2;

/// A base whose packed parts can be read, too.
pub struct UnpackedBase<'a> {
    base: &'a dyn ReadAt,
    packed: &'a [Packed],
    kept: Mutex<Vec<Kept>>,
}

/// Contents that were unpacked.
struct Kept {
    place: Range<u64>,
    bytes: Vec<u8>,
}

impl<'a> UnpackedBase<'a> {
    /// A base with these packed parts, in their order.
    pub fn new(base: &'a dyn ReadAt, packed: &'a [Packed]) -> Self {
        Self { base, packed, kept: Mutex::new(Vec::new()) }
    }

    /// Returns the packed part that a position is in the contents of.
    fn part(&self, position: u64) -> Option<&Packed> {
        let behind = self.packed.partition_point(|part| part.contents().start <= position);
        let part = self.packed.get(behind.checked_sub(1)?)?;
        part.contents().contains(&position).then_some(part)
    }

    /// Returns whether the base has these bytes.
    pub fn has(&self, start: u64, len: u64, size: u64) -> bool {
        let Some(end) = start.checked_add(len) else { return false };
        end <= size || self.part(start).is_some_and(|part| end <= part.contents().end)
    }

    /// Unpacks what is in a part at a position: all of it, or the block of it.
    fn unpack(&self, part: &Packed, position: u64) -> io::Result<Kept> {
        let contents = part.contents();
        let source = |packed: Range<u64>| Source {
            base: self.base,
            at: part.offset + packed.start,
            end: part.offset + packed.end,
        };
        match part.packing {
            Packing::Gzip(_) => {
                let mut bytes = vec![0; part.unpacked as usize];
                let mut unpacker = Unpacker::new(part.packing, source(0..part.len), part.len, part.unpacked);
                fill(&mut bytes, |out| unpacker.read(out))?;
                Ok(Kept { place: contents, bytes })
            }
            Packing::Lz4Legacy(_) => {
                let read = |offset, buf: &mut [u8]| self.base.read_at(part.offset + offset, buf);
                let index = Lz4Index::read(part.len, part.unpacked, read).map_err(Error::other)?;
                let block = index.block(position - contents.start).ok_or(ErrorKind::UnexpectedEof)?;
                let mut bytes = vec![0; (block.unpacked.end - block.unpacked.start) as usize];
                let mut reader = Lz4BlockReader::new(&block, source(block.packed.clone()));
                fill(&mut bytes, |out| reader.read(out))?;
                let place = contents.start + block.unpacked.start..contents.start + block.unpacked.end;
                Ok(Kept { place, bytes })
            }
        }
    }

    /// Fills the beginning of `buf` from contents, and returns how much of it.
    fn read_contents(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.iter().position(|kept| kept.place.contains(&position)) {
            Some(nth) => kept.swap(0, nth),
            None => {
                let part = self.part(position).ok_or(ErrorKind::UnexpectedEof)?;
                // The memory of the oldest is given back before that of the next is taken.
                kept.truncate(KEPT - 1);
                let new = self.unpack(part, position)?;
                kept.insert(0, new);
            }
        }
        let Some(Kept { place, bytes }) = kept.first() else { return Err(ErrorKind::UnexpectedEof.into()) };
        let rest = bytes.get((position - place.start) as usize..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        buf.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(len)
    }
}

impl ReadAt for UnpackedBase<'_> {
    fn len(&self) -> io::Result<u64> {
        self.base.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if offset < UNPACKED {
            return self.base.read_at(offset, buf);
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let len = self.read_contents(at, rest)?;
            at += len as u64;
            rest = rest.get_mut(len..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Fills all of `out`.
fn fill(
    mut out: &mut [u8],
    mut read: impl FnMut(&mut [u8]) -> Result<usize, drydock_repack::Error>,
) -> io::Result<()> {
    while !out.is_empty() {
        let len = read(out).map_err(Error::other)?;
        if len == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        out = out.get_mut(len..).unwrap_or_default();
    }
    Ok(())
}

/// Packed bytes, one after the other.
struct Source<'a> {
    base: &'a dyn ReadAt,
    at: u64,
    end: u64,
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = (self.end - self.at).min(buf.len() as u64) as usize;
        self.base.read_at(self.at, buf.get_mut(..len).unwrap_or_default())?;
        self.at += len as u64;
        Ok(len)
    }
}
