//! What renumbering alone changes is made equal on both sides, for the second matching only: places and names in
//! relocations and symbols of kernel modules, and the type information of kernels (BTF, as Linux's
//! `Documentation/bpf/btf.rst` has it).

use crate::elf::{Elf, NOBITS, RELOCATABLE, number};

const SYMBOLS: u64 = 2;
const RELOCATIONS: u64 = 4;
/// Bytes of a relocation with addend, and of a symbol: the same.
const ENTRY: usize = 24;
const BTF_MAGIC: u32 = 0xeb9f;

/// Softens a file in place. `moved` maps an offset in `.text` to the target's.
pub(crate) fn soften(bytes: &mut [u8], moved: &dyn Fn(i64) -> Option<i64>) {
    let Some(elf) = Elf::parse(bytes) else { return };
    let is_relocatable = elf.kind == RELOCATABLE;
    let sections: Vec<_> = elf
        .sections()
        .filter(|section| section.kind != NOBITS)
        .map(|section| (section.kind, section.name == b".BTF", section.offset, section.size))
        .filter(|(_, _, offset, size)| offset.checked_add(*size).is_some_and(|end| end <= bytes.len()))
        .collect();
    for (kind, is_btf, offset, size) in sections {
        if is_relocatable && kind == RELOCATIONS {
            for at in (offset..offset + size).step_by(ENTRY) {
                put(bytes, at, 0);
                if word(bytes, at + 20) == 0 {
                    move_word(bytes, at + 16, moved);
                }
            }
        }
        if is_relocatable && kind == SYMBOLS {
            for at in (offset..offset + size).step_by(ENTRY) {
                put(bytes, at, 0);
                move_word(bytes, at + 8, moved);
            }
        }
        if is_btf && word(bytes, offset) & 0xffff == BTF_MAGIC {
            Btf::new(bytes, offset, size, is_relocatable).soften(bytes);
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    number(bytes, at, 4).unwrap_or(0) as u32
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *field = value.to_le_bytes();
    }
}

fn move_word(bytes: &mut [u8], at: usize, moved: &dyn Fn(i64) -> Option<i64>) {
    let value = word(bytes, at);
    if let Some(moved) = Some(value).filter(|value| *value > 0).and_then(|value| moved(value.into())) {
        put(bytes, at, moved as u32);
    }
}

/// Where the parts of a BTF section lie.
struct Btf {
    types: std::ops::Range<usize>,
    strings: usize,
    /// How long the strings are; none where the names are in another file.
    strings_len: usize,
}

impl Btf {
    fn new(bytes: &[u8], offset: usize, size: usize, is_relocatable: bool) -> Self {
        let field = |nth: usize| word(bytes, offset + 4 * nth) as usize;
        let header_end = offset + field(1);
        let types = header_end + field(2);
        Self {
            types: types..(types + field(3)).min(offset + size),
            strings: header_end + field(4),
            strings_len: if is_relocatable { 0 } else { field(5) },
        }
    }

    /// Takes type numbers away, and makes of each name's place a hash of the name.
    fn soften(&self, bytes: &mut [u8]) {
        /// Kinds whose third word is a size and not a type.
        const SIZED: [u32; 7] = [1, 4, 5, 6, 15, 16, 19];
        let mut at = self.types.start;
        while at + 12 <= self.types.end {
            let info = word(bytes, at + 4);
            let (kind, count) = (info >> 24 & 31, (info & 0xffff) as usize);
            self.name(bytes, at);
            if !SIZED.contains(&kind) {
                put(bytes, at + 8, 0);
            }
            at += 12;
            // What follows: nothing or so many entries, each with a name first or none, and types at these words.
            let (entries, words, is_named, types): (usize, usize, bool, &[usize]) = match kind {
                1 | 14 | 17 => (1, 1, false, &[]),
                3 => (1, 3, false, &[0, 1]),
                4 | 5 => (count, 3, true, &[1]),
                6 => (count, 2, true, &[]),
                13 => (count, 2, true, &[1]),
                15 => (count, 3, false, &[0]),
                19 => (count, 3, false, &[]),
                _ => (0, 0, false, &[]),
            };
            for _ in 0..entries {
                if at + words * 4 > self.types.end {
                    return;
                }
                if is_named {
                    self.name(bytes, at);
                }
                types.iter().for_each(|nth| put(bytes, at + 4 * nth, 0));
                at += words * 4;
            }
        }
    }

    fn name(&self, bytes: &mut [u8], at: usize) {
        let name = word(bytes, at) as usize;
        let hash = if name < self.strings_len {
            let rest = bytes.get(self.strings + name..).unwrap_or_default();
            let name = rest.iter().take_while(|byte| **byte != 0);
            name.fold(1u32, |hash, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte))
        } else {
            0
        };
        put(bytes, at, hash);
    }
}
