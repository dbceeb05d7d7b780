//! The base, with what is in its packed parts.

use crate::packed::{Packed, UNPACKED};
use drydock_format::ReadAt;
use drydock_repack::{Lz4BlockReader, Lz4Index, Packing, Unpacker};
use std::io::{self, Error, ErrorKind, Read};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Contents are kept up to so many bytes: what gzip has packed whole, of a kernel pieces of [`STEP`]. The runs of a kernel go
/// back and forth between its sections: with 5 MiB all of one was unpacked 22 times, with 8 it is not four times.
pub const KEPT: usize = 8 << 20;

/// How much of a kernel is unpacked at once. What is needed to go on from each such piece is remembered.
pub const STEP: u64 = 1 << 20;

/// The most places to go on from that are remembered, which lie [`MARK`] apart. Each takes 140 KiB.
const MARKS: usize = 24;

/// How far such places lie apart in a block.
const MARK: u64 = 4 * STEP;

/// A base whose packed parts can be read, too.
pub struct UnpackedBase<'a> {
    base: &'a dyn ReadAt,
    packed: &'a [Packed],
    kept: Mutex<Unpacked<'a>>,
}

/// What has been unpacked, the newest first, and where unpacking can go on.
#[derive(Default)]
struct Unpacked<'a> {
    pieces: Vec<Kept>,
    marks: Vec<Mark<'a>>,
}

/// A place in contents, and what unpacks them from there on.
type Mark<'a> = (u64, Lz4BlockReader<Source<'a>>);

/// Contents that were unpacked.
struct Kept {
    place: Range<u64>,
    bytes: Vec<u8>,
}

impl<'a> UnpackedBase<'a> {
    /// A base with these packed parts, in their order.
    pub fn new(base: &'a dyn ReadAt, packed: &'a [Packed]) -> Self {
        Self { base, packed, kept: Mutex::default() }
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

    /// The packed bytes of a part.
    fn source(&self, part: &Packed, packed: Range<u64>) -> Source<'a> {
        Source { base: self.base, at: part.offset + packed.start, end: part.offset + packed.end }
    }

    /// Unpacks what is in a part at a position: all of it, or the piece of it.
    fn unpack(&self, part: &Packed, position: u64, marks: &mut Vec<Mark<'a>>) -> io::Result<Kept> {
        let contents = part.contents();
        if let Packing::Gzip(_) = part.packing {
            let mut bytes = vec![0; part.unpacked as usize];
            let source = self.source(part, 0..part.len);
            let mut unpacker = Unpacker::new(part.packing, source, part.len, part.unpacked);
            fill(&mut bytes, |out| unpacker.read(out))?;
            return Ok(Kept { place: contents, bytes });
        }
        // The first places of a block are looked up in the packed bytes, the others are remembered.
        let wanted = (position - contents.start) / STEP * STEP;
        let block = wanted / Lz4Index::BLOCK * Lz4Index::BLOCK;
        let within = contents.start + block..=contents.start + wanted;
        let known = marks.iter().filter(|(at, _)| within.contains(at)).max_by_key(|(at, _)| *at);
        let (mut at, mut reader) = match known {
            Some((at, reader)) => (at - contents.start, reader.clone()),
            None => {
                let read = |offset, buf: &mut [u8]| self.base.read_at(part.offset + offset, buf);
                let index = Lz4Index::read(part.len, part.unpacked, read).map_err(Error::other)?;
                let first = index.block(block).ok_or(ErrorKind::UnexpectedEof)?;
                (block, Lz4BlockReader::new(&first, self.source(part, first.packed.clone())))
            }
        };
        let mut bytes = vec![0; STEP as usize];
        loop {
            if (at - block).is_multiple_of(MARK) {
                let place = contents.start + at;
                marks.retain(|(known, _)| *known != place);
                if marks.len() >= MARKS {
                    marks.clear();
                }
                marks.push((place, reader.clone()));
            }
            bytes.resize((part.unpacked - at).min(STEP) as usize, 0);
            fill(&mut bytes, |out| reader.read(out))?;
            if at == wanted {
                let place = contents.start + at..contents.start + at + bytes.len() as u64;
                return Ok(Kept { place, bytes });
            }
            at += STEP;
        }
    }

    /// Fills the beginning of `buf` from contents, and returns how much of it.
    fn read_contents(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Unpacked { pieces, marks } = &mut *kept;
        match pieces.iter().position(|kept| kept.place.contains(&position)) {
            Some(nth) => pieces.get_mut(..=nth).unwrap_or_default().rotate_right(1),
            None => {
                let part = self.part(position).ok_or(ErrorKind::UnexpectedEof)?;
                // The memory of the oldest is given back before that of the next is taken.
                let next = match part.packing {
                    Packing::Gzip(_) => part.unpacked,
                    Packing::Lz4Legacy(_) => STEP,
                } as usize;
                while pieces.iter().map(|kept| kept.bytes.len()).sum::<usize>() + next > KEPT {
                    pieces.pop();
                }
                let new = self.unpack(part, position, marks)?;
                pieces.insert(0, new);
            }
        }
        let Some(Kept { place, bytes }) = pieces.first() else { return Err(ErrorKind::UnexpectedEof.into()) };
        let rest = bytes.get((position - place.start) as usize..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
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
#[derive(Clone)]
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
