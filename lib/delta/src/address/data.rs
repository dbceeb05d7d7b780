//! Where data may hold addresses: whole ones, and distances from the word itself to an instruction, as tables of unwinding,
//! of bugs and of exceptions have them.

use super::field::{Field, OnField, get};
use super::piece::Piece;

/// The lowest address that a word of 8 bytes is taken for.
const LOWEST: i64 = 0x40_0000;

/// Negative numbers above this are no addresses.
const HIGHEST_NEGATIVE: i64 = -4096;

pub(super) fn scan(piece: &Piece<'_>, bytes: &mut [u8], on_field: &mut impl OnField) {
    let first = piece.position.wrapping_add(piece.start as u64);
    let mut at = piece.start + (first.wrapping_neg() & 3) as usize;
    while at + 4 <= piece.end {
        let Some(word) = get(bytes, at) else { return };
        let word = i64::from(i32::from_le_bytes(word));
        let is_whole = piece.position.wrapping_add(at as u64) & 7 == 0 && at + 8 <= piece.end;
        if let Some(value) = get(bytes, at).filter(|_| is_whole) {
            let value = i64::from_le_bytes(value);
            if !(HIGHEST_NEGATIVE..LOWEST).contains(&value) && piece.sides.has(value) {
                on_field(bytes, at, Field::Absolute8, value);
                at += 8;
                continue;
            }
        }
        if word < HIGHEST_NEGATIVE && piece.sides.has(word) {
            on_field(bytes, at, Field::Absolute4, word);
        } else if word != 0 {
            let address = piece.address(at).wrapping_add(word);
            if piece.sides.has_code(address) {
                on_field(bytes, at, Field::Relative { after: 0 }, address);
            }
        }
        at += 4;
    }
}
