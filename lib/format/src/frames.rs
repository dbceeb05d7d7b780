//! The frames of an image: `NAME.frames` says how long each is, `NAME.zst` is one after the other.
//!
//! Each is a zstd frame of its own, at most [`MAX_WINDOW`] of window, and unpacks to exactly its part of
//! the image. It is decoded in one go into a buffer of exactly that size, so what a frame claims never
//! decides how much memory is used.

pub use crate::limits::MAX_WINDOW;
use crate::{Error, FrameFault, Image};
use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{DCtx, find_frame_compressed_size, get_error_name, is_error_kind};

/// How much longer than its data a compressed frame may be, in bytes.
pub const SLACK: u64 = 64 << 10;

/// Where each frame lies in `NAME.zst`.
#[derive(Clone, Debug)]
pub struct FrameTable {
    ends: Vec<u64>,
}

impl FrameTable {
    /// Reads `NAME.frames`: a little-endian `u32` for each frame, its compressed length in bytes. `total` is
    /// the length of `NAME.zst`, which they must add up to.
    pub fn parse(image: &Image, table: &[u8], total: u64) -> Result<Self, Error> {
        let fault = |problem| Err(Error::Frames { image: image.name.clone(), problem });
        let (lengths, rest) = table.as_chunks();
        if !rest.is_empty() || lengths.len() as u64 != image.frame_count() {
            return fault(format!("{} bytes for {} frames", table.len(), image.frame_count()));
        }
        let mut ends = Vec::with_capacity(lengths.len());
        let mut end = 0;
        for (frame, length) in (0..).zip(lengths) {
            let length = u64::from(u32::from_le_bytes(*length));
            if length == 0 || length > image.frame_len(frame) as u64 + SLACK {
                return fault(format!("frame {frame} of {length} bytes"));
            }
            end += length;
            ends.push(end);
        }
        if end != total {
            return fault(format!("lengths that add up to {end} bytes, {}.zst has {total}", image.name));
        }
        Ok(Self { ends })
    }

    /// The byte range of one frame in `NAME.zst`, `None` if there are not that many.
    pub fn range(&self, frame: u64) -> Option<std::ops::Range<u64>> {
        let frame = usize::try_from(frame).ok()?;
        let end = *self.ends.get(frame)?;
        Some(frame.checked_sub(1).map_or(0, |before| self.ends[before])..end)
    }
}

/// What a frame's header says.
#[derive(Debug, PartialEq, Eq)]
struct FrameHeader {
    window: u64,
    content: Option<u64>,
    dictionary: u64,
}

/// Reads a frame header as RFC 8878, 3.1.1.1 has it.
fn frame_header(frame: &[u8]) -> Result<FrameHeader, FrameFault> {
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = frame else { return Err(FrameFault::NotZstd) };
    let single_segment = descriptor & 0x20 != 0;
    if descriptor & 0x08 != 0 {
        return Err(FrameFault::Corrupt { reason: "a reserved bit is set" });
    }
    let mut rest = rest;
    let mut field = |len: usize| -> Result<u64, FrameFault> {
        let (bytes, after) = rest.split_at_checked(len).ok_or(FrameFault::NotOneFrame)?;
        rest = after;
        Ok(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    };
    let window = if single_segment {
        None
    } else {
        let byte = field(1)?;
        let base = 1u64 << (10 + (byte >> 3));
        Some(base + base / 8 * (byte & 7))
    };
    let dictionary = field([0, 1, 2, 4][usize::from(descriptor & 3)])?;
    let content = match descriptor >> 6 {
        0 if single_segment => Some(field(1)?),
        0 => None,
        1 => Some(field(2)? + 256),
        2 => Some(field(4)?),
        _ => Some(field(8)?),
    };
    Ok(FrameHeader { window: window.or(content).unwrap_or_default(), content, dictionary })
}

/// Decodes frames, one after the other, and keeps nothing from one to the next.
pub struct Decoder {
    context: DCtx<'static>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder; about 160 KB of memory.
    pub fn new() -> Self {
        Self { context: DCtx::create() }
    }

    /// Unpacks `frame` into all of `out`, which has exactly the size that belongs there. What `out` holds
    /// after an error is undefined.
    pub fn decode(&mut self, frame: &[u8], out: &mut [u8]) -> Result<(), FrameFault> {
        let expected = out.len() as u64;
        let header = frame_header(frame)?;
        if let Some(stated) = header.content.filter(|&stated| stated != expected) {
            return Err(FrameFault::WrongSize { stated, expected });
        }
        if header.window > MAX_WINDOW {
            return Err(FrameFault::HugeWindow { window: header.window });
        }
        if header.dictionary != 0 {
            return Err(FrameFault::Dictionary);
        }
        if find_frame_compressed_size(frame) != Ok(frame.len()) {
            return Err(FrameFault::NotOneFrame);
        }
        match self.context.decompress(out, frame) {
            Ok(got) if got == out.len() => Ok(()),
            Ok(got) => Err(FrameFault::Short { got: got as u64, expected }),
            Err(code) if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) => {
                Err(FrameFault::Inflates { expected })
            }
            Err(code) => Err(FrameFault::Corrupt { reason: get_error_name(code) }),
        }
    }
}
