//! One side of an executable, and the parts of some bytes that lie in its spaces.

use crate::spaces::{Executable, Kind, Machine, Side, Space};

/// One side of an executable's spaces, in the order of their places.
pub(super) struct Sides {
    pub(super) machine: Machine,
    sides: Vec<(Side, Kind)>,
}

impl Sides {
    pub(super) fn new(file: &Executable, side: impl Fn(&Space) -> Side) -> Self {
        // There are few: putting each in its place takes less code on a device than sorting.
        let mut sides: Vec<(Side, Kind)> = Vec::with_capacity(file.spaces.len());
        for space in &file.spaces {
            let new = side(space);
            let place = sides.partition_point(|(side, _)| side.offset <= new.offset);
            sides.insert(place, (new, space.kind));
        }
        Self { machine: file.machine, sides }
    }

    /// Returns whether an address lies in one of the spaces.
    #[inline]
    pub(super) fn has(&self, address: i64) -> bool {
        self.sides.iter().any(|(side, _)| side.position(address).is_some())
    }

    /// Returns whether an address lies among instructions.
    #[inline]
    pub(super) fn has_code(&self, address: i64) -> bool {
        self.sides.iter().any(|(side, kind)| *kind == Kind::Code && side.position(address).is_some())
    }

    /// Hands on each part of `len` bytes, which lie at `position`, that lies in a space, and what the space holds. Of spaces
    /// that overlap the first one has a byte.
    pub(super) fn pieces(&self, position: u64, len: usize, mut take: impl FnMut(Piece<'_>, Kind)) {
        let mut at = 0;
        for (side, kind) in &self.sides {
            let start = side.offset.saturating_sub(position).min(len as u64) as usize;
            let end = side.offset.saturating_add(side.len).saturating_sub(position).min(len as u64) as usize;
            let start = start.max(at);
            if start < end {
                at = end;
                take(Piece { sides: self, side: *side, position, start, end }, *kind);
            }
        }
    }
}

/// The part of some bytes that lies in one space.
pub(super) struct Piece<'v> {
    /// All of the spaces.
    pub(super) sides: &'v Sides,
    side: Side,
    /// Where the bytes lie.
    pub(super) position: u64,
    /// Where the part begins in the bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Piece<'_> {
    /// Returns the address of the byte at `at`.
    #[inline]
    pub(super) fn address(&self, at: usize) -> i64 {
        self.side.address_of(self.position.wrapping_add(at as u64))
    }
}
