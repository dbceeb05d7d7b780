//! An image, with what is in its packed parts.

use drydock_delta::packed::{Packed, UNPACKED, in_image};
use drydock_format::ReadAt;
use drydock_repack::{Recognised, Unpacker};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::Range;

/// An image, and the contents of those of its packed parts that were unpacked.
pub(crate) struct Image<'i> {
    plain: &'i [u8],
    unpacked: BTreeMap<u64, (Packed, Vec<u8>)>,
}

impl<'i> Image<'i> {
    /// An image of which nothing has been unpacked.
    pub(crate) fn new(plain: &'i [u8]) -> Self {
        Self { plain, unpacked: BTreeMap::new() }
    }

    /// Returns the bytes of the image itself.
    pub(crate) fn plain(&self) -> &'i [u8] {
        self.plain
    }

    /// Returns some of its bytes, which lie in the image or in one packed part.
    pub(crate) fn get(&self, range: Range<usize>) -> &[u8] {
        if (range.start as u64) < UNPACKED {
            return self.plain.get(range).unwrap_or_default();
        }
        let (part, contents) = match self.unpacked.get(&self.part_of(range.start as u64)) {
            Some((part, contents)) => (part, contents),
            None => return &[],
        };
        let start = range.start - part.contents().start as usize;
        contents.get(start..start + range.len()).unwrap_or_default()
    }

    /// Unpacks the packed part of a file that lies in one piece at `offset`. Returns the part, if the format takes it.
    pub(crate) fn unpack(&mut self, offset: usize, found: &Recognised) -> Option<Packed> {
        let packed = Packed {
            offset: (offset + found.packed.start) as u64,
            len: found.packed.len() as u64,
            unpacked: found.unpacked,
            packing: found.packing,
        };
        let source = self.plain.get(packed.offset as usize..packed.end() as usize)?;
        packed.is_allowed().then_some(())?;
        let mut contents = vec![0; packed.unpacked as usize];
        let mut unpacker = Unpacker::new(packed.packing, source, packed.len, packed.unpacked);
        let mut done = 0;
        while done < contents.len() {
            done += unpacker.read(&mut contents[done..]).ok().filter(|len| *len > 0)?;
        }
        self.unpacked.insert(packed.offset, (packed, contents));
        Some(packed)
    }

    /// Returns the packed part that a position is in the contents of.
    pub(crate) fn packed(&self, position: u64) -> Option<Packed> {
        let (part, _) = self.unpacked.get(&self.part_of(position))?;
        part.contents().contains(&position).then_some(*part)
    }

    /// Returns the packed parts that lie in a part of the image, in their order.
    pub(crate) fn packed_in(&self, range: &Range<u64>) -> Vec<Packed> {
        self.unpacked.range(range.clone()).map(|(_, (packed, _))| *packed).collect()
    }

    /// Returns whether a packed part lies on both sides of a position.
    pub(crate) fn has_packed_over(&self, position: u64) -> bool {
        let before = self.unpacked.range(..position).next_back();
        before.is_some_and(|(_, (packed, _))| packed.end() > position)
    }

    /// Returns where the part begins that a position belongs to.
    fn part_of(&self, position: u64) -> u64 {
        self.unpacked.range(..=in_image(position)).next_back().map_or(0, |(offset, _)| *offset)
    }
}

impl ReadAt for Image<'_> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.plain.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        let bytes = self.get(offset..offset + buf.len());
        if bytes.len() != buf.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        buf.copy_from_slice(bytes);
        Ok(())
    }
}
