//! Where instructions of A64 hold addresses (Arm Architecture Reference Manual, C4.1 and C6.2): branches, literals, and the
//! page of an address whose lower 12 bits stand in a later instruction.

use super::field::{Field, OnField, Part, get};
use super::piece::Piece;

/// Takes `bits` bits from `low` on as a signed number.
fn signed(word: u32, low: u8, bits: u8) -> i64 {
    let up = 32 - bits;
    i64::from((word >> low << up) as i32 >> up)
}

/// A page that an ADRP has put into a register.
#[derive(Clone, Copy)]
struct Paged {
    /// The ADRP, until it is known where it leads to.
    at: Option<usize>,
    page: i64,
}

pub(super) fn scan(piece: &Piece<'_>, bytes: &mut [u8], on_field: &mut impl OnField) {
    let first = piece.address(piece.start);
    let mut at = piece.start + (first.wrapping_neg() & 3) as usize;
    let mut registers: [Option<Paged>; 32] = [None; 32];
    while at + 4 <= piece.end {
        let Some(word) = get(bytes, at).map(u32::from_le_bytes) else { return };
        let own = piece.address(at);
        let target = (word & 31) as usize;
        if let Some((part, address)) = direct(word, own) {
            if piece.sides.has(address) {
                on_field(bytes, at, Field::A64(part), address);
            }
        } else if word & 0x9f00_0000 == 0x9000_0000 {
            let pages = signed(word, 5, 19) << 2 | i64::from(word >> 29 & 3);
            let page = (own & !0xfff).wrapping_add(pages << 12);
            registers[target] = Some(Paged { at: Some(at), page });
        } else if let Some((low, shift)) = low_bits(word) {
            let base = (word >> 5 & 31) as usize;
            if let Some(paged) = &mut registers[base] {
                let address = paged.page.wrapping_add(low);
                if piece.sides.has(address) {
                    if let Some(page_at) = paged.at.take() {
                        on_field(bytes, page_at, Field::A64(Part::Page), address);
                    }
                    on_field(bytes, at, Field::A64(Part::Low { shift }), address);
                }
            }
        }
        at += 4;
    }
}

/// Returns the address that an instruction names by itself.
fn direct(word: u32, own: i64) -> Option<(Part, i64)> {
    let words = |bits, low| {
        let distance = signed(word, low, bits) << 2;
        Some((Part::Words { bits, low }, own.wrapping_add(distance)))
    };
    if word & 0x7c00_0000 == 0x1400_0000 {
        return words(26, 0);
    }
    let is_literal = word & 0x3b00_0000 == 0x1800_0000;
    if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 || is_literal {
        return words(19, 5);
    }
    if word & 0x7e00_0000 == 0x3600_0000 {
        return words(14, 5);
    }
    if word & 0x9f00_0000 == 0x1000_0000 {
        let distance = signed(word, 5, 19) << 2 | i64::from(word >> 29 & 3);
        return Some((Part::Adr, own.wrapping_add(distance)));
    }
    None
}

/// Returns the lower 12 bits of the address that an instruction adds to a register, and how many of them it leaves out.
fn low_bits(word: u32) -> Option<(i64, u8)> {
    let immediate = i64::from(word >> 10 & 0xfff);
    if word & 0xffc0_0000 == 0x9100_0000 {
        return Some((immediate, 0));
    }
    if word & 0x3b00_0000 == 0x3900_0000 {
        let is_vector_of_16 = word & 0x0480_0000 == 0x0480_0000 && word >> 30 == 0;
        let shift = if is_vector_of_16 { 4 } else { (word >> 30) as u8 };
        return Some((immediate << shift, shift)).filter(|(low, _)| *low < 4096);
    }
    None
}
