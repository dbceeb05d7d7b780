//! On the build host: which part of a file is packed, and whether it can be packed again.

use crate::lz4::unpacked_length;
use crate::{GzipLevel, Lz4Level, Packer, Packing, Unpacker};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;

/// The levels of `gzip`, the usual ones first.
const GZIP_LEVELS: [u8; 9] = [9, 6, 1, 8, 7, 5, 4, 3, 2];
/// The levels of `lz4`, the usual one first.
const LZ4_LEVELS: [u8; 7] = [9, 8, 7, 6, 5, 4, 3];
/// How much is unpacked at once, in bytes.
const PIECE: usize = 64 << 10;

/// A file with a packed part. What lies before and after it is to be kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// How it is packed.
    pub packing: Packing,
    /// Where the packed bytes lie in the file: what [`Packer`] makes, and [`Unpacker`] takes.
    pub packed: Range<usize>,
    /// How many bytes they unpack to.
    pub unpacked: u64,
}

impl Recognised {
    /// The part before the packed one: a header, a kernel's code that unpacks it.
    pub fn before(&self) -> Range<usize> {
        0..self.packed.start
    }

    /// The part behind the packed one, in a file of `length` bytes.
    pub fn after(&self, length: usize) -> Range<usize> {
        self.packed.end..length
    }
}

/// What is packed in a file, if unpacking it and packing it again has been tried here and gave the same bytes: a gzip
/// file with one member; a file in LZ4's legacy format, with or without its unpacked length behind it as Linux's build
/// adds it; or a kernel for x86 (bzImage, protocol 2.08 of Linux's `Documentation/arch/x86/boot.rst`) with one of these
/// in it. `None` is for all other files.
///
/// Takes the time to unpack and pack once; for gzip that other programs made, up to ten times that of unpacking and a
/// little.
pub fn recognise(file: &[u8]) -> Option<Recognised> {
    let payload = payload_of_kernel(file).unwrap_or(0..file.len());
    let bytes = file.get(payload.clone())?;
    let found = gzip(bytes).or_else(|| lz4(bytes))?;
    let packed = payload.start + found.packed.start..payload.start + found.packed.end;
    Some(Recognised { packed, ..found })
}

/// Where the packed kernel lies in a bzImage.
fn payload_of_kernel(file: &[u8]) -> Option<Range<usize>> {
    let u32_at = |offset: usize| Some(u32::from_le_bytes(*file.get(offset..)?.first_chunk()?) as usize);
    if file.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    // 0 means 4 there.
    let sectors = match file.get(0x1f1)? {
        0 => 4,
        &sectors => usize::from(sectors),
    };
    let start = ((sectors + 1) * 512).checked_add(u32_at(0x248)?)?;
    let range = start..start.checked_add(u32_at(0x24c)?)?;
    (range.end <= file.len()).then_some(range)
}

fn gzip(bytes: &[u8]) -> Option<Recognised> {
    let packed = gzip_header(bytes)?..bytes.len();
    let (_, length) = bytes.get(packed.clone())?.split_last_chunk()?;
    let unpacked = u64::from(u32::from_le_bytes(*length));
    let levels = GZIP_LEVELS.into_iter().filter_map(GzipLevel::new);
    first_that_fits(bytes, packed, unpacked, levels.map(Packing::Gzip))
}

/// The length of a gzip file's header: RFC 1952, 2.3.
fn gzip_header(bytes: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, ..] = *bytes else { return None };
    let mut end = 10;
    if flags & 0xe0 != 0 {
        return None;
    }
    if flags & 4 != 0 {
        end += 2 + usize::from(u16::from_le_bytes(*bytes.get(end..)?.first_chunk()?));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            end += 1 + bytes.get(end..)?.iter().position(|&byte| byte == 0)?;
        }
    }
    if flags & 2 != 0 {
        end += 2;
    }
    (end <= bytes.len()).then_some(end)
}

fn lz4(bytes: &[u8]) -> Option<Recognised> {
    let (end, unpacked) = unpacked_length(bytes)?;
    let after = bytes.get(end..)?;
    if !after.is_empty() && after != (unpacked as u32).to_le_bytes() {
        return None;
    }
    let levels = LZ4_LEVELS.into_iter().filter_map(Lz4Level::new);
    first_that_fits(bytes, 0..end, unpacked, levels.map(Packing::Lz4Legacy))
}

fn first_that_fits(
    bytes: &[u8],
    packed: Range<usize>,
    unpacked: u64,
    mut packings: impl Iterator<Item = Packing>,
) -> Option<Recognised> {
    let content = bytes.get(packed.clone())?;
    let packing = packings.find_map(|packing| match comes_back(packing, content, unpacked) {
        Verdict::Same => Some(Some(packing)),
        Verdict::Other => None,
        Verdict::NotPacked => Some(None),
    })??;
    Some(Recognised { packing, packed, unpacked })
}

enum Verdict {
    Same,
    Other,
    NotPacked,
}

/// Unpacks and packs again, up to the first byte that differs.
fn comes_back(packing: Packing, packed: &[u8], unpacked: u64) -> Verdict {
    let mut unpacker = Unpacker::new(packing, packed, packed.len() as u64, unpacked);
    let mut packer = Packer::new(packing);
    let mut rest = Compare { expected: packed };
    let mut piece = vec![0; PIECE];
    loop {
        match unpacker.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                let pushed = packer.push(piece.get(..count).unwrap_or_default(), &mut rest);
                if pushed.is_err() {
                    return Verdict::Other;
                }
            }
            Err(_) => return Verdict::NotPacked,
        }
    }
    match packer.finish(&mut rest) {
        Ok(()) if rest.expected.is_empty() => Verdict::Same,
        _ => Verdict::Other,
    }
}

/// Takes what is expected, and fails with anything else.
struct Compare<'a> {
    expected: &'a [u8],
}

impl Write for Compare<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.expected = self.expected.strip_prefix(bytes).ok_or(ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
