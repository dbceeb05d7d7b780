//! Packed bytes, and bytes that are packed.

use crate::options::options;
use drydock_repack::{GzipLevel, Lz4BlockReader, Lz4Index, Lz4Level, Packer, Packing, Unpacker, recognise};
use std::io::{ErrorKind, Read};

/// The first byte says how many bytes should come out, in units of 16.
pub(crate) fn gzip_unpack(data: &[u8]) -> bool {
    let (units, packed) = options(data);
    let length = usize::from(units) * 16;
    let Some(unpacked) = unpack(Packing::Gzip(GzipLevel::BEST), packed, length) else { return false };
    again(Packing::Gzip(GzipLevel::BEST), &unpacked);
    true
}

/// The first byte says how many bytes should come out, in units of 16. Read in one go and block by block, they are the
/// same.
pub(crate) fn lz4_unpack(data: &[u8]) -> bool {
    let (units, packed) = options(data);
    let length = usize::from(units) * 16;
    let packing = Packing::Lz4Legacy(Lz4Level::BEST);
    let whole = unpack(packing, packed, length);
    let index = Lz4Index::read(packed.len() as u64, length as u64, |offset, field| {
        let rest = packed.get(offset as usize..).and_then(|rest| rest.get(..field.len()));
        field.copy_from_slice(rest.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    });
    let mut alone = index.is_ok().then(Vec::new);
    if let Some(block) = index.ok().and_then(|index| index.block(0)) {
        let source = packed.get(block.packed.start as usize..).unwrap_or_default();
        let mut reader = Lz4BlockReader::new(&block, source);
        alone = collect(length, |piece| reader.read(piece).ok());
    }
    assert_eq!(whole, alone);
    let Some(unpacked) = whole else { return false };
    again(packing, &unpacked);
    true
}

/// The first byte says how the rest is packed.
pub(crate) fn repack(data: &[u8]) -> bool {
    let (choice, bytes) = options(data);
    let gzip = GzipLevel::new(choice % 16 + 1).map(Packing::Gzip);
    let packing = gzip.or_else(|| Lz4Level::new(choice % 16 - 6).map(Packing::Lz4Legacy));
    if let Some(packing) = packing {
        let packed = again(packing, bytes);
        let header: &[u8] = match packing {
            Packing::Gzip(_) => b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            Packing::Lz4Legacy(_) => b"",
        };
        let found = recognise(&[header, &packed].concat());
        let found = found.map(|found| (found.before().end, found.unpacked));
        assert_eq!(found, Some((header.len(), bytes.len() as u64)), "{packing:?}");
    }
    let _ = recognise(bytes);
    true
}

/// Packs, and what comes out must unpack to the same; returns it.
fn again(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut packer = Packer::new(packing);
    let (first, second) = bytes.split_at(bytes.len() / 3);
    let done = packer
        .push(first, &mut packed)
        .and_then(|()| packer.push(second, &mut packed))
        .and_then(|()| packer.finish(&mut packed));
    assert!(done.is_ok());
    assert!(unpack(packing, &packed, bytes.len()).as_deref() == Some(bytes), "{packing:?}");
    packed
}

fn unpack(packing: Packing, packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut unpacker = Unpacker::new(packing, Slowly(packed), packed.len() as u64, length as u64);
    collect(length, |piece| unpacker.read(piece).ok())
}

fn collect(most: usize, mut read: impl FnMut(&mut [u8]) -> Option<usize>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 777];
    loop {
        match read(&mut piece)? {
            0 => return Some(bytes),
            count => bytes.extend(piece.iter().take(count)),
        }
        assert!(bytes.len() <= most);
    }
}

/// A source that gives a few bytes at a time.
struct Slowly<'a>(&'a [u8]);

impl Read for Slowly<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(100);
        self.0.read(out.get_mut(..count).unwrap_or_default())
    }
}
