//! Address prediction: where a run's bytes hold addresses, what they are in the target.
//!
//! No parser of executables runs on a device. A delta says which parts of the base are loaded where ([`Executable`]), and a
//! few patterns find what may be an address in them. What points into one of the file's spaces is taken for an address: its
//! target is looked up in the runs ([`Map`]), and the field is written as it must be in the target. A wrong guess costs
//! bytes and nothing else.

mod a64;
mod data;
mod x86_64;

use crate::run::Map;
use crate::spaces::{Executable, Kind, Machine, Side, Space};
pub use a64::Part;

/// How a field holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 4 bytes: the distance from so many bytes behind the field's beginning.
    Relative {
        /// How many.
        after: u8,
    },
    /// 4 bytes: the address, whose upper half follows from the sign.
    Absolute4,
    /// 8 bytes: the address.
    Absolute8,
    /// A part of an instruction of A64.
    A64(Part),
}

impl Field {
    /// Writes an address into the field at `at`, whose own address is `own`. What does not fit is left as it is.
    #[inline]
    pub fn write(self, bytes: &mut [u8], at: usize, own: i64, address: i64) {
        match self {
            Self::Relative { after } => {
                let distance = address.wrapping_sub(own.wrapping_add(after.into()));
                if let Ok(distance) = i32::try_from(distance) {
                    put(bytes, at, distance.to_le_bytes());
                }
            }
            Self::Absolute4 => put(bytes, at, (address as u32).to_le_bytes()),
            Self::Absolute8 => put(bytes, at, address.to_le_bytes()),
            Self::A64(part) => part.write(bytes, at, own, address),
        }
    }
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *field = value;
    }
}

fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// What is done with each field: the bytes, where in them it is, how it holds its address, and the address.
pub trait OnField: FnMut(&mut [u8], usize, Field, i64) {}

impl<F: FnMut(&mut [u8], usize, Field, i64)> OnField for F {}

/// One side of an executable.
pub struct View {
    machine: Machine,
    sides: Vec<(Side, Kind)>,
}

impl View {
    /// Of the base.
    pub fn base(file: &Executable) -> Self {
        Self::new(file, |space| space.base)
    }

    /// Of the target.
    pub fn target(file: &Executable) -> Self {
        Self::new(file, |space| space.target)
    }

    fn new(file: &Executable, side: impl Fn(&Space) -> Side) -> Self {
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
    fn has(&self, address: i64) -> bool {
        self.sides.iter().any(|(side, _)| side.position(address).is_some())
    }

    /// Returns whether an address lies among instructions.
    #[inline]
    fn has_code(&self, address: i64) -> bool {
        self.sides.iter().any(|(side, kind)| *kind == Kind::Code && side.position(address).is_some())
    }

    /// Hands every address field of `bytes`, which lie at `position`, to `on_field`.
    pub fn scan(&self, bytes: &mut [u8], position: u64, on_field: &mut impl OnField) {
        let (mut at, len) = (0, bytes.len());
        for (side, kind) in &self.sides {
            let start = side.offset.saturating_sub(position).min(len as u64) as usize;
            let end = side.offset.saturating_add(side.len).saturating_sub(position).min(len as u64) as usize;
            let start = start.max(at);
            if start >= end {
                continue;
            }
            at = end;
            let piece = Piece { view: self, side: *side, position, start, end };
            match (kind, self.machine) {
                (Kind::Data, _) => data::scan(&piece, bytes, on_field),
                (Kind::Code, Machine::X86_64) => x86_64::scan(&piece, bytes, on_field),
                (Kind::Code, Machine::A64) => a64::scan(&piece, bytes, on_field),
            }
        }
    }
}

/// The part of some bytes that lies in one space.
struct Piece<'v> {
    view: &'v View,
    side: Side,
    /// Where the bytes lie.
    position: u64,
    /// Where the part begins in the bytes.
    start: usize,
    /// Where it ends.
    end: usize,
}

impl Piece<'_> {
    /// Returns the address of the byte at `at`.
    #[inline]
    fn address(&self, at: usize) -> i64 {
        self.side.address_of(self.position.wrapping_add(at as u64))
    }
}

/// Where the base's addresses are in the target.
pub struct Moved<'a> {
    file: &'a Executable,
    map: &'a Map,
}

impl<'a> Moved<'a> {
    /// By these runs.
    pub fn new(file: &'a Executable, map: &'a Map) -> Self {
        Self { file, map }
    }

    /// Returns what an address of the base is in the target, if it lies in a space and the runs say where it went.
    #[inline]
    pub fn address(&self, address: i64, near: Option<i64>) -> Option<i64> {
        let (space, offset) =
            self.file.spaces.iter().find_map(|space| Some((space, space.base.position(address)?)))?;
        let position = offset.wrapping_add_signed(self.map.distance(offset, near)?);
        let space = self.file.spaces.iter().find(|space| space.target.has(position)).unwrap_or(space);
        Some(space.target.address_of(position))
    }
}

/// Rewrites the address fields of runs as they should be in the target.
pub struct Predict<'a> {
    view: View,
    moved: Moved<'a>,
}

impl<'a> Predict<'a> {
    /// For the runs of this executable.
    pub fn new(file: &'a Executable, map: &'a Map) -> Self {
        Self { view: View::base(file), moved: Moved::new(file, map) }
    }

    /// Returns where the base's addresses are in the target.
    pub fn moved(&self) -> &Moved<'a> {
        &self.moved
    }

    /// Rewrites `bytes`, which lie at `base` in the base and belong to `target` in the target.
    pub fn piece(&self, bytes: &mut [u8], base: u64, target: u64) {
        let Self { view, moved } = self;
        if !moved.file.has_fields() {
            return;
        }
        let near = target.wrapping_sub(base) as i64;
        view.scan(bytes, base, &mut |bytes: &mut [u8], at: usize, field: Field, address: i64| {
            let Some(address) = moved.address(address, Some(near)) else { return };
            let position = base.wrapping_add(at as u64);
            if let Some(space) = moved.file.spaces.iter().find(|space| space.base.has(position)) {
                let own = space.target.address_of(target.wrapping_add(at as u64));
                field.write(bytes, at, own, address);
            }
        });
    }
}
