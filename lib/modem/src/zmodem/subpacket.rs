//! Pieces of data with a check sum (ZMODEM section 7.4).

use super::header::Form;
use super::wire::{End, Escaping, Token, Unescape, ZDLE};
use crate::LARGEST_PIECE;
use crate::check::{crc_16, crc_32};

/// What a byte has done to a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// More is to come.
    More,
    /// It is whole, and has so many bytes.
    Whole(usize, End),
    /// It is damaged.
    Bad,
}

/// A piece that is coming.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coming {
    form: Form,
    unescape: Unescape,
    len: usize,
    end: Option<End>,
    sum: [u8; 4],
    sums: usize,
    /// Line ends that still belong to the header before it.
    ends: &'static [u8],
}

impl Coming {
    /// Returns the beginning of a piece behind a header of this form.
    pub(crate) fn after(form: Form) -> Self {
        let ends: &[u8] = if form == Form::Hex { b"\r\n" } else { b"" };
        Self { form, unescape: Unescape::default(), len: 0, end: None, sum: [0; 4], sums: 0, ends }
    }

    /// Returns the beginning of a piece behind another one.
    pub(crate) fn next(form: Form) -> Self {
        Self { ends: b"", ..Self::after(form) }
    }

    /// Takes the next byte of the line; the data goes into the buffer.
    pub(crate) fn take(&mut self, byte: u8, buffer: &mut [u8; LARGEST_PIECE]) -> Piece {
        if let Some((first, rest)) = self.ends.split_first() {
            self.ends = rest;
            if byte & 0x7f == *first {
                return Piece::More;
            }
            self.ends = b"";
        }
        match (self.unescape.take(byte), self.end) {
            (None, _) => Piece::More,
            (Some(Token::Byte(byte)), None) => match buffer.get_mut(self.len) {
                Some(place) => {
                    *place = byte;
                    self.len += 1;
                    Piece::More
                }
                None => Piece::Bad,
            },
            (Some(Token::End(end)), None) => {
                self.end = Some(end);
                Piece::More
            }
            (Some(Token::Byte(byte)), Some(end)) => self.summed(byte, end, buffer),
            _ => Piece::Bad,
        }
    }

    fn summed(&mut self, byte: u8, end: End, buffer: &[u8; LARGEST_PIECE]) -> Piece {
        if let Some(place) = self.sum.get_mut(self.sums) {
            *place = byte;
        }
        self.sums += 1;
        let wanted = if self.form == Form::Binary32 { 4 } else { 2 };
        if self.sums < wanted {
            return Piece::More;
        }
        let data = buffer.get(..self.len).unwrap_or_default();
        let parts = [data, &[end.byte()]];
        let [a, b, ..] = self.sum;
        let good = match self.form {
            Form::Binary32 => crc_32(&parts) == u32::from_le_bytes(self.sum),
            _ => crc_16(&parts) == u16::from_be_bytes([a, b]),
        };
        if good { Piece::Whole(self.len, end) } else { Piece::Bad }
    }
}

/// Appends a piece as it goes over the line.
pub(crate) fn put(data: &[u8], end: End, form: Form, escaping: &mut Escaping, line: &mut Vec<u8>) {
    escaping.put(data, line);
    line.extend([ZDLE, end.byte()]);
    let parts = [data, &[end.byte()]];
    match form {
        Form::Binary32 => escaping.put(&crc_32(&parts).to_le_bytes(), line),
        _ => escaping.put(&crc_16(&parts).to_be_bytes(), line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: Form, line: &[u8]) -> (Vec<Piece>, Vec<u8>) {
        let (mut coming, mut buffer) = (Coming::after(form), crate::buffer());
        let pieces: Vec<_> = line.iter().map(|byte| coming.take(*byte, &mut buffer)).collect();
        (pieces.into_iter().filter(|piece| *piece != Piece::More).collect(), buffer.to_vec())
    }

    #[test]
    fn a_piece_is_read_as_it_was_written_and_with_any_byte_changed_it_is_not() {
        let data: Vec<u8> = (0..=255).collect();
        for form in [Form::Hex, Form::Binary16, Form::Binary32] {
            let mut line = if form == Form::Hex { b"\r\n\x11".to_vec() } else { vec![] };
            put(&data, End::Asks, form, &mut Escaping::default(), &mut line);
            let (pieces, buffer) = read(form, &line);
            assert_eq!(pieces, [Piece::Whole(256, End::Asks)]);
            assert_eq!(buffer[..256], data);
            for at in 3..line.len() {
                let mut bad = line.clone();
                bad[at] ^= 0x01;
                assert!(!read(form, &bad).0.contains(&Piece::Whole(256, End::Asks)), "byte {at}");
            }
        }
    }

    #[test]
    fn a_piece_that_never_ends_is_bad_when_the_buffer_is_full() {
        let line = vec![b'x'; LARGEST_PIECE + 1];
        assert_eq!(read(Form::Binary32, &line).0, [Piece::Bad]);
        assert_eq!(read(Form::Binary32, &line[1..]).0, []);
    }
}
