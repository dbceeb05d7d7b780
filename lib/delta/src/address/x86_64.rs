//! Where instructions of x86-64 may hold addresses: behind `call`, `jmp`, the long conditional jumps, and behind a byte that
//! says "relative to the instruction pointer".

use super::field::{Field, OnField, get};
use super::piece::Piece;

pub(super) fn scan(piece: &Piece<'_>, bytes: &mut [u8], on_field: &mut impl OnField) {
    let mut at = piece.start + 1;
    while at + 4 <= piece.end {
        let (Some(&opcode), Some(value)) = (bytes.get(at - 1), get(bytes, at)) else { return };
        let before = if at >= piece.start + 2 { bytes.get(at - 2).copied() } else { None };
        let is_site = opcode == 0xe8
            || opcode == 0xe9
            || opcode & 0xc7 == 0x05
            || opcode & 0xf0 == 0x80 && before == Some(0x0f);
        let address = piece.address(at + 4).wrapping_add(i32::from_le_bytes(value).into());
        if is_site && piece.sides.has(address) {
            on_field(bytes, at, Field::Relative { after: 4 }, address);
            at += 5;
        } else {
            at += 1;
        }
    }
}
