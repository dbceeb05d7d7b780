//! Executables: which parts of the base and of the target are loaded where.

use crate::coder::{Coder, Number};
use crate::limits::{MAX_FILES, MAX_SPACES};
use std::ops::Range;

/// What an address space holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Instructions.
    Code,
    /// Anything else.
    #[default]
    Data,
}

/// Whose instructions they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    #[default]
    X86_64,
    /// AArch64 in its A64 instruction set.
    A64,
}

/// One side of an address space: where it lies in an image, and where it is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Where it lies.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u64,
    /// The address of its first byte.
    pub address: i64,
}

impl Side {
    /// Returns whether a position of the image lies in it.
    #[inline]
    pub fn has(&self, position: u64) -> bool {
        position.wrapping_sub(self.offset) < self.len
    }

    /// Returns the position of an address.
    #[inline]
    pub fn position(&self, address: i64) -> Option<u64> {
        let within = address.wrapping_sub(self.address) as u64;
        (within < self.len).then(|| self.offset.wrapping_add(within))
    }

    /// Returns the address of a position, also of one that lies beside it.
    #[inline]
    pub fn address_of(&self, position: u64) -> i64 {
        self.address.wrapping_add(position.wrapping_sub(self.offset) as i64)
    }

    fn end(&self) -> u64 {
        self.offset.wrapping_add(self.len)
    }
}

/// One address space, before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// In the base.
    pub base: Side,
    /// In the target.
    pub target: Side,
    /// What it holds.
    pub kind: Kind,
}

/// A file with addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executable {
    /// Where it lies in the target.
    pub target: Range<u64>,
    /// Whose instructions it has.
    pub machine: Machine,
    /// Its address spaces.
    pub spaces: Vec<Space>,
}

impl Executable {
    /// Returns the part of the base that its spaces span.
    pub fn base(&self) -> Range<u64> {
        let start = self.spaces.iter().map(|space| space.base.offset).min().unwrap_or(0);
        let end = self.spaces.iter().map(|space| space.base.end()).max().unwrap_or(0);
        start..end
    }

    /// Returns whether more than one place is loaded: what has only one is asked where words have gone, but none of its
    /// fields are rewritten.
    pub fn has_fields(&self) -> bool {
        self.spaces.len() > 1
    }
}

/// Positions and lengths are below this, so that no sum overflows.
const LIMIT: u64 = 1 << 48;

/// Codes lists of executables.
#[derive(Default)]
struct Codes {
    place: Number,
    length: Number,
    count: Number,
    kind: Number,
    base: Number,
    base_len: Number,
    base_address: Number,
    target: Number,
    target_len: Number,
    target_address: Number,
}

/// Codes the executables that begin in a section, in their order on its way, from `target` on. Nothing is returned where
/// that is damaged.
pub fn code_executables<C: Coder>(
    coder: &mut C,
    target: u64,
    files: &[Executable],
) -> Option<Vec<Executable>> {
    let mut codes = Codes::default();
    let count = codes.count.code(coder, files.len() as u64)?;
    let count = usize::try_from(count).ok().filter(|&count| count <= MAX_FILES)?;
    let (mut found, mut at, mut base_at) = (Vec::new(), target, 0);
    for nth in 0..count {
        let none = Executable::default();
        let file = files.get(nth).unwrap_or(&none);
        let file = codes.file(coder, &mut at, &mut base_at, file)?;
        found.push(file);
    }
    Some(found)
}

impl Codes {
    fn file<C: Coder>(
        &mut self,
        coder: &mut C,
        at: &mut u64,
        base_at: &mut u64,
        file: &Executable,
    ) -> Option<Executable> {
        let start = self.place.code_signed(coder, apart(file.target.start, *at))?;
        let start = bounded(at.checked_add_signed(start)?)?;
        let len = self.length.code(coder, file.target.end.saturating_sub(file.target.start))?;
        let end = bounded(start + len)?;
        let machine = match self.kind.code(coder, (file.machine == Machine::A64).into())? {
            0 => Machine::X86_64,
            1 => Machine::A64,
            _ => return None,
        };
        let count = self.count.code(coder, file.spaces.len() as u64)?;
        let count = usize::try_from(count).ok().filter(|&count| count <= MAX_SPACES)?;
        let mut spaces = Vec::new();
        for nth in 0..count {
            let space = file.spaces.get(nth).copied().unwrap_or_default();
            spaces.push(self.space(coder, start, base_at, &space)?);
        }
        *at = end;
        Some(Executable { target: start..end, machine, spaces })
    }

    fn space<C: Coder>(
        &mut self,
        coder: &mut C,
        start: u64,
        base_at: &mut u64,
        space: &Space,
    ) -> Option<Space> {
        let Space { base, target, kind } = space;
        let offset = self.base.code_signed(coder, apart(base.offset, *base_at))?;
        let offset = bounded(base_at.checked_add_signed(offset)?)?;
        let len = bounded(self.base_len.code(coder, base.len)?)?;
        *base_at = offset + len;
        // An address mostly is near the offset in the file, and the target's near the base's.
        let address = self.address(coder, base.address)?;
        let found_base = Side { offset, len, address };
        let offset = self.target.code_signed(coder, apart(target.offset, start))?;
        let offset = bounded(start.checked_add_signed(offset)?)?;
        let len = self.target_len.code_signed(coder, apart(target.len, base.len))?;
        let len = bounded(found_base.len.checked_add_signed(len)?)?;
        let address = self.target_address.code_signed(coder, target.address.wrapping_sub(base.address))?;
        let found_target = Side { offset, len, address: found_base.address.wrapping_add(address) };
        let kind = match self.kind.code(coder, (*kind == Kind::Code).into())? {
            0 => Kind::Data,
            1 => Kind::Code,
            _ => return None,
        };
        Some(Space { base: found_base, target: found_target, kind })
    }

    /// An address of up to 64 bits, in two halves.
    fn address<C: Coder>(&mut self, coder: &mut C, address: i64) -> Option<i64> {
        let low = self.base_address.code(coder, address as u64 & 0xffff_ffff)?;
        let high = self.base_address.code(coder, address as u64 >> 32)?;
        Some((high << 32 | low & 0xffff_ffff) as i64)
    }
}

fn apart(a: u64, b: u64) -> i64 {
    a.wrapping_sub(b) as i64
}

fn bounded(value: u64) -> Option<u64> {
    (value < LIMIT).then_some(value)
}
