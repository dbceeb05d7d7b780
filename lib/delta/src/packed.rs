//! Parts of images that are packed, seen unpacked.
//!
//! A part of an image that is packed (a gzip file, the kernel in a kernel image) has, beside its place in the image, a place
//! for what is in it, far behind every image. In that place runs give and take the contents, and the device packs them again
//! to the bytes of the image.

use crate::coder::{Coder, Number};
use drydock_repack::Packing;
use std::ops::Range;

/// The images end before this position; what is in packed parts lies behind it.
pub const UNPACKED: u64 = 1 << 44;

/// How many times as long as its packed bytes a part may be unpacked, so that no two lie in the same place.
pub const SPREAD: u64 = 16;

/// The most packed parts in one section.
pub const MAX_PACKED: usize = 1 << 13;

/// What gzip has packed is held whole while the base's is read, so there are not more bytes of it.
pub const MAX_GZIP: u64 = 4 << 20;

/// A packed part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Where its packed bytes begin in the image.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
    /// How many bytes are in it.
    pub unpacked: u64,
    /// How they are packed.
    pub packing: Packing,
}

impl Packed {
    /// Returns where what is in it lies.
    pub fn contents(&self) -> Range<u64> {
        let start = UNPACKED + self.offset * SPREAD;
        start..start + self.unpacked
    }

    /// Returns where its packed bytes end in the image.
    pub fn end(&self) -> u64 {
        self.offset + self.len
    }

    /// Returns whether the format has room for it.
    pub fn is_allowed(&self) -> bool {
        let is_small = matches!(self.packing, Packing::Lz4Legacy(_)) || self.unpacked <= MAX_GZIP;
        let fits = self.len.checked_mul(SPREAD).is_some_and(|most| self.unpacked <= most);
        self.unpacked > 0 && fits && is_small && self.offset < 1 << 40 && self.len < 1 << 40
    }
}

/// Returns where a position, of an image or of what is in a packed part, belongs to in the image.
pub fn in_image(position: u64) -> u64 {
    position.checked_sub(UNPACKED).map_or(position, |within| within / SPREAD)
}

/// Codes the packed parts of an image that lie in `within`, in their order. Nothing is returned where that is damaged.
pub fn code_packed<C: Coder>(coder: &mut C, within: &Range<u64>, parts: &[Packed]) -> Option<Vec<Packed>> {
    let (mut count, mut place, mut len, mut unpacked, mut kind) = Default::default();
    let codes: [&mut Number; 5] = [&mut count, &mut place, &mut len, &mut unpacked, &mut kind];
    let [count, place, len, unpacked, kind] = codes;
    let count = usize::try_from(count.code(coder, parts.len() as u64)?).ok()?;
    if count > MAX_PACKED {
        return None;
    }
    let mut found: Vec<Packed> = Vec::new();
    let mut at = within.start;
    for nth in 0..count {
        let part = parts.get(nth);
        let value = |of: fn(&Packed) -> u64| part.map_or(0, of);
        let code = |packed: &Packed| u64::from(u16::from_be_bytes(packed.packing.code()));
        let offset = at.checked_add(place.code(coder, value(|part| part.offset).saturating_sub(at))?)?;
        let len = len.code(coder, value(|part| part.len))?;
        let unpacked = unpacked.code(coder, value(|part| part.unpacked))?;
        let packing = u16::try_from(kind.code(coder, part.map_or(0, code))?).ok()?;
        let packing = Packing::from_code(packing.to_be_bytes()).ok()?;
        let packed = Packed { offset, len, unpacked, packing };
        if !packed.is_allowed() || packed.end() > within.end {
            return None;
        }
        at = packed.end();
        found.push(packed);
    }
    Some(found)
}

/// The way through a part of an image, with a turn into what is in each packed part.
#[derive(Clone, Debug)]
pub struct Course<'p> {
    at: u64,
    end: u64,
    /// The packed parts that are still to come; of the first one, whether it is the way's place now.
    packed: &'p [Packed],
    inside: bool,
}

impl<'p> Course<'p> {
    /// The way through `target`, which has these packed parts.
    pub fn new(target: &Range<u64>, packed: &'p [Packed]) -> Self {
        let mut course = Self { at: target.start, end: target.end, packed, inside: false };
        course.turn();
        course
    }

    /// Returns where it is.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Returns how many bytes follow without a turn.
    pub fn left(&self) -> u64 {
        let end = match self.packed.first() {
            Some(packed) if self.inside => packed.contents().end,
            Some(packed) => packed.offset,
            None => self.end,
        };
        end.saturating_sub(self.at)
    }

    /// Goes on by so many bytes. Returns whether there are so many without a turn.
    pub fn advance(&mut self, bytes: u64) -> bool {
        if bytes > self.left() {
            return false;
        }
        self.at += bytes;
        self.turn();
        true
    }

    /// Returns whether it is at its end.
    pub fn is_over(&self) -> bool {
        self.packed.is_empty() && self.at == self.end
    }

    fn turn(&mut self) {
        while let Some((packed, rest)) = self.packed.split_first() {
            if self.left() > 0 {
                return;
            }
            if self.inside {
                (self.packed, self.at, self.inside) = (rest, packed.end(), false);
            } else {
                (self.at, self.inside) = (packed.contents().start, true);
            }
        }
    }
}
