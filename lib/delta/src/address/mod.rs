//! Address prediction: where a run's bytes hold addresses, what they are in the target.
//!
//! No parser of executables runs on a device. A delta says which parts of the base are loaded where ([`Executable`]), and a
//! few patterns find what may be an address in them. What points into one of the file's spaces is taken for an address: its
//! target is looked up in the runs ([`Map`]), and the field is written as it must be in the target. A wrong guess costs
//! bytes and nothing else.

mod a64;
mod data;
mod field;
mod piece;
mod x86_64;

use crate::run::Map;
use crate::spaces::{Executable, Kind, Machine};
pub use field::{Field, OnField, Part};
use piece::Sides;

/// One side of an executable.
pub struct View(Sides);

impl View {
    /// Of the base.
    pub fn base(file: &Executable) -> Self {
        Self(Sides::new(file, |space| space.base))
    }

    /// Of the target.
    pub fn target(file: &Executable) -> Self {
        Self(Sides::new(file, |space| space.target))
    }

    /// Hands every address field of `bytes`, which lie at `position`, to `on_field`.
    pub fn scan(&self, bytes: &mut [u8], position: u64, on_field: &mut impl OnField) {
        self.0.pieces(position, bytes.len(), |piece, kind| match (kind, self.0.machine) {
            (Kind::Data, _) => data::scan(&piece, bytes, on_field),
            (Kind::Code, Machine::X86_64) => x86_64::scan(&piece, bytes, on_field),
            (Kind::Code, Machine::A64) => a64::scan(&piece, bytes, on_field),
        });
    }
}

/// Where the base's addresses are in the target.
pub struct Moved<'a> {
    file: &'a Executable,
    map: Map,
}

impl<'a> Moved<'a> {
    /// By these runs.
    pub fn new(file: &'a Executable, map: Map) -> Self {
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
    pub fn new(file: &'a Executable, map: Map) -> Self {
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
