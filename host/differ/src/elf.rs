//! The address spaces of an executable, from its section headers (System V ABI, chapter 4).

use drydock_delta::spaces::{Kind, Machine, Side, Space};

/// An ELF file of 64 bits, little endian, whose section headers can be read.
pub(crate) struct Elf<'b> {
    bytes: &'b [u8],
    /// Whose instructions it has.
    pub(crate) machine: Machine,
    /// What kind of file it is.
    pub(crate) kind: u64,
    headers: usize,
    entry: usize,
    count: usize,
    names: usize,
}

/// A section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'b> {
    pub(crate) name: &'b [u8],
    pub(crate) kind: u64,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

/// A relocatable file, such as a kernel module.
pub(crate) const RELOCATABLE: u64 = 1;
const EXECUTABLE: u64 = 2;
const X86_64: u64 = 62;
const AARCH64: u64 = 183;
const NULL: u64 = 0;
pub(crate) const NOBITS: u64 = 8;
const ALLOCATED: u64 = 2;
const INSTRUCTIONS: u64 = 4;
const THREAD_LOCAL: u64 = 0x400;

/// How far apart two sections of one kind may lie and still be one space.
const NEAR: u64 = 8192;

/// Reads a number of `len` bytes.
pub(crate) fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(len)?)?;
    Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

impl<'b> Elf<'b> {
    /// Reads the headers.
    pub(crate) fn parse(bytes: &'b [u8]) -> Option<Self> {
        bytes.starts_with(b"\x7fELF\x02\x01").then_some(())?;
        let machine = match number(bytes, 18, 2)? {
            X86_64 => Machine::X86_64,
            AARCH64 => Machine::A64,
            _ => return None,
        };
        let headers = number(bytes, 40, 8)? as usize;
        let entry = number(bytes, 58, 2)? as usize;
        let names = number(bytes, 62, 2)? as usize;
        let names = number(bytes, headers.checked_add(names * entry)?.checked_add(24)?, 8)? as usize;
        let count = number(bytes, 60, 2)? as usize;
        Some(Self { bytes, machine, kind: number(bytes, 16, 2)?, headers, entry, count, names })
    }

    /// Returns the sections.
    pub(crate) fn sections(&self) -> impl Iterator<Item = Header<'b>> {
        (0..self.count).filter_map(|nth| {
            let at = self.headers.checked_add(nth * self.entry)?;
            let field = |offset: usize, len| number(self.bytes, at + offset, len);
            let name = self.bytes.get(self.names.checked_add(field(0, 4)? as usize)?..)?;
            let end = name.iter().position(|byte| *byte == 0)?;
            Some(Header {
                name: &name[..end],
                kind: field(4, 4)?,
                flags: field(8, 8)?,
                address: field(16, 8)?,
                offset: field(24, 8)? as usize,
                size: field(32, 8)? as usize,
            })
        })
    }

    /// Returns what is loaded where, by the sections' names. Of a relocatable file that is its `.text`, at 0.
    fn loaded(&self) -> Vec<(&'b [u8], Side, Kind)> {
        let mut all: Vec<(&[u8], Side, Kind)> = Vec::new();
        for section in self.sections() {
            let Header { name, kind, flags, address, offset, size } = section;
            let is_loaded = kind != NULL && kind != NOBITS && flags & ALLOCATED != 0 && size > 0;
            if !is_loaded || offset.checked_add(size).is_none_or(|end| end > self.bytes.len()) {
                continue;
            }
            let is_of_interest = match self.kind {
                RELOCATABLE => name == b".text",
                _ => flags & THREAD_LOCAL == 0,
            };
            if is_of_interest {
                let address = if self.kind == RELOCATABLE { 0 } else { address as i64 };
                let holds = if flags & INSTRUCTIONS != 0 { Kind::Code } else { Kind::Data };
                all.push((name, Side { offset: offset as u64, len: size as u64, address }, holds));
            }
        }
        // What a kernel image has behind its section headers are tables of places in it.
        let end = self.headers + self.count * self.entry;
        if self.kind == EXECUTABLE && self.bytes.len() > end + 4096 {
            let start = end.next_multiple_of(4);
            let len = (self.bytes.len() - start) as u64;
            all.push((b"", Side { offset: start as u64, len, address: 1 << 40 }, Kind::Data));
        }
        all
    }
}

/// Returns the address spaces that two files have in common, by their places in the files.
pub(crate) fn spaces(old: &[u8], new: &[u8]) -> Option<(Machine, Vec<Space>)> {
    let (old, new) = (Elf::parse(old)?, Elf::parse(new)?);
    (old.machine == new.machine).then_some(())?;
    let mut targets = new.loaded();
    let mut all: Vec<Space> = Vec::new();
    for (name, base, kind) in old.loaded() {
        let same = targets.iter().position(|(other, _, holds)| *other == name && *holds == kind);
        let Some((_, target, _)) = same.map(|nth| targets.remove(nth)) else { continue };
        let next = Space { base, target, kind };
        match all.last_mut().filter(|last| goes_on(last, &next)) {
            Some(last) => {
                last.base.len = base.offset + base.len - last.base.offset;
                last.target.len = target.offset + target.len - last.target.offset;
            }
            None => all.push(next),
        }
    }
    let is_told = !all.is_empty() && all.len() <= drydock_delta::limits::MAX_SPACES;
    is_told.then_some((old.machine, all))
}

/// Returns whether two sections may be one space: on both sides the second follows the first, in the file and in memory.
fn goes_on(last: &Space, next: &Space) -> bool {
    let follows = |last: &Side, next: &Side| {
        let end = last.offset + last.len;
        last.address_of(next.offset) == next.address && next.offset >= end && next.offset - end < NEAR
    };
    last.kind == next.kind && follows(&last.base, &next.base) && follows(&last.target, &next.target)
}
