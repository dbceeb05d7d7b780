//! Fields that hold addresses, and how an address is written into one.

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

pub(super) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *field = value;
    }
}

pub(super) fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// What is done with each field: the bytes, where in them it is, how it holds its address, and the address.
pub trait OnField: FnMut(&mut [u8], usize, Field, i64) {}

impl<F: FnMut(&mut [u8], usize, Field, i64)> OnField for F {}

/// The part of an instruction that holds an address, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The distance in words, `bits` of it from bit `low` on: B, BL; B.cond, CBZ, LDR of a literal; TBZ.
    Words {
        /// How many bits.
        bits: u8,
        /// Where the lowest is.
        low: u8,
    },
    /// The distance in bytes: ADR.
    Adr,
    /// The distance in pages of 4 KiB: ADRP.
    Page,
    /// The lower 12 bits of the address, of which `shift` bits are left out: ADD, LDR, STR.
    Low {
        /// How many are left out.
        shift: u8,
    },
}

impl Part {
    /// Writes an address into the instruction at `at`, whose own address is `own`.
    fn write(self, bytes: &mut [u8], at: usize, own: i64, address: i64) {
        let Some(word) = get(bytes, at).map(u32::from_le_bytes) else { return };
        let distance = address.wrapping_sub(own);
        let word = match self {
            Self::Words { bits, low } => insert(word, low, bits, (distance >> 2) as u32),
            Self::Adr => insert(insert(word, 5, 19, (distance >> 2) as u32), 29, 2, distance as u32),
            Self::Page => {
                let pages = (address >> 12).wrapping_sub(own >> 12);
                insert(insert(word, 5, 19, (pages >> 2) as u32), 29, 2, pages as u32)
            }
            Self::Low { shift } => insert(word, 10, 12, (address as u32 & 0xfff) >> shift),
        };
        put(bytes, at, word.to_le_bytes());
    }
}

fn insert(word: u32, low: u8, bits: u8, value: u32) -> u32 {
    let mask = ((1 << bits) - 1) << low;
    word & !mask | value << low & mask
}
