//! Headers: what is said between the two ends (ZMODEM section 7.3).

use super::wire::{Escaping, Token, Unescape, ZDLE, ZPAD};
use crate::check::{crc_16, crc_32};

/// What a header says (ZMODEM section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) u8);

#[rustfmt::skip]
impl Kind {
    pub(crate) const RQINIT: Self = Self(0);
    pub(crate) const RINIT: Self = Self(1);
    pub(crate) const SINIT: Self = Self(2);
    pub(crate) const ACK: Self = Self(3);
    pub(crate) const FILE: Self = Self(4);
    pub(crate) const SKIP: Self = Self(5);
    pub(crate) const NAK: Self = Self(6);
    pub(crate) const ABORT: Self = Self(7);
    pub(crate) const FIN: Self = Self(8);
    pub(crate) const RPOS: Self = Self(9);
    pub(crate) const DATA: Self = Self(10);
    pub(crate) const EOF: Self = Self(11);
    pub(crate) const FERR: Self = Self(12);
    pub(crate) const CRC: Self = Self(13);
    pub(crate) const CHALLENGE: Self = Self(14);
    pub(crate) const CAN: Self = Self(16);
    pub(crate) const FREECNT: Self = Self(17);
    /// The last one that there is.
    const LAST: u8 = 19;
}

/// How a header is written, and by that which check sum the data behind it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Hexadecimal digits; CRC-16.
    Hex,
    /// Bytes; CRC-16.
    Binary16,
    /// Bytes; CRC-32.
    Binary32,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// A position in bytes, little endian, or flags from the last byte on.
    pub(crate) bytes: [u8; 4],
    pub(crate) form: Form,
}

impl Header {
    /// Returns a header with a position.
    pub(crate) fn at(kind: Kind, form: Form, position: u32) -> Self {
        Self { kind, bytes: position.to_le_bytes(), form }
    }

    /// Returns the position in it.
    pub(crate) fn position(&self) -> u32 {
        u32::from_le_bytes(self.bytes)
    }

    /// Appends it as it goes over the line.
    pub(crate) fn put(&self, escaping: &mut Escaping, line: &mut Vec<u8>) {
        let [a, b, c, d] = self.bytes;
        let bytes = [self.kind.0, a, b, c, d];
        let crc = crc_16(&[&bytes]).to_be_bytes();
        match self.form {
            Form::Hex => {
                line.extend([ZPAD, ZPAD, ZDLE, b'B']);
                for byte in bytes.iter().chain(&crc) {
                    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
                    line.extend([digit(byte >> 4), digit(byte & 15)]);
                }
                line.extend(b"\r\n");
                // XON, in case that noise has stopped the other end.
                if !matches!(self.kind, Kind::FIN | Kind::ACK) {
                    line.push(0x11);
                }
            }
            Form::Binary16 => {
                line.extend([ZPAD, ZDLE, b'A']);
                escaping.put(&bytes, line);
                escaping.put(&crc, line);
            }
            Form::Binary32 => {
                line.extend([ZPAD, ZDLE, b'C']);
                escaping.put(&bytes, line);
                escaping.put(&crc_32(&[&bytes]).to_le_bytes(), line);
            }
        }
    }
}

/// What a byte has brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing yet.
    Nothing,
    /// A header.
    Header(Header),
    /// Something that was a header once.
    Garbled,
}

/// Looks for headers, whatever is between them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Hunt {
    /// Between headers.
    #[default]
    Between,
    /// After ZPAD.
    Pad,
    /// After ZPAD and ZDLE.
    Escape,
    /// In one of digits: the bytes, and how many digits have come.
    Hex([u8; 7], usize),
    /// In one of bytes: these, and how many have come.
    Binary(Form, Unescape, [u8; 9], usize),
}

impl Hunt {
    /// Takes the next byte of the line.
    pub(crate) fn take(&mut self, byte: u8) -> Found {
        let (next, found) = self.step(byte);
        *self = next;
        found
    }

    fn step(self, byte: u8) -> (Self, Found) {
        // Some lines have a parity bit.
        let plain = byte & 0x7f;
        let next = match (self, plain) {
            (Self::Between | Self::Pad, ZPAD) => Self::Pad,
            (Self::Pad, ZDLE) => Self::Escape,
            (Self::Escape, b'A') => Self::Binary(Form::Binary16, Unescape::default(), [0; 9], 0),
            (Self::Escape, b'B') => Self::Hex([0; 7], 0),
            (Self::Escape, b'C') => Self::Binary(Form::Binary32, Unescape::default(), [0; 9], 0),
            (Self::Hex(bytes, count), digit) => return hex(bytes, count, digit),
            (Self::Binary(form, unescape, bytes, count), _) => {
                return binary(form, unescape, bytes, count, byte);
            }
            _ => Self::Between,
        };
        (next, Found::Nothing)
    }
}

fn hex(mut bytes: [u8; 7], count: usize, digit: u8) -> (Hunt, Found) {
    let value = match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => return (Hunt::Between, Found::Garbled),
    };
    if let Some(byte) = bytes.get_mut(count / 2) {
        *byte = *byte << 4 | value;
    }
    if count + 1 < 2 * bytes.len() {
        return (Hunt::Hex(bytes, count + 1), Found::Nothing);
    }
    let [kind, a, b, c, d, high, low] = bytes;
    let good = crc_16(&[&[kind, a, b, c, d]]) == u16::from_be_bytes([high, low]);
    (Hunt::Between, judge(good, Header { kind: Kind(kind), bytes: [a, b, c, d], form: Form::Hex }))
}

fn binary(form: Form, mut unescape: Unescape, mut bytes: [u8; 9], count: usize, byte: u8) -> (Hunt, Found) {
    let value = match unescape.take(byte) {
        None => return (Hunt::Binary(form, unescape, bytes, count), Found::Nothing),
        Some(Token::Byte(value)) => value,
        Some(_) => return (Hunt::Between, Found::Garbled),
    };
    if let Some(byte) = bytes.get_mut(count) {
        *byte = value;
    }
    let length = if form == Form::Binary32 { 9 } else { 7 };
    if count + 1 < length {
        return (Hunt::Binary(form, unescape, bytes, count + 1), Found::Nothing);
    }
    let [kind, a, b, c, d, e, f, g, h] = bytes;
    let head = [kind, a, b, c, d];
    let good = match form {
        Form::Binary32 => crc_32(&[&head]) == u32::from_le_bytes([e, f, g, h]),
        _ => crc_16(&[&head]) == u16::from_be_bytes([e, f]),
    };
    (Hunt::Between, judge(good, Header { kind: Kind(kind), bytes: [a, b, c, d], form }))
}

fn judge(good: bool, header: Header) -> Found {
    if good && header.kind.0 <= Kind::LAST { Found::Header(header) } else { Found::Garbled }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [Form; 3] = [Form::Hex, Form::Binary16, Form::Binary32];

    fn hunt(line: &[u8]) -> Vec<Found> {
        let mut hunt = Hunt::default();
        line.iter().map(|byte| hunt.take(*byte)).filter(|found| *found != Found::Nothing).collect()
    }

    #[test]
    fn every_header_is_read_as_it_was_written_between_whatever_there_is() {
        for form in FORMS {
            for position in [0, 0x1118_1310, 0x9191_9393, u32::MAX] {
                let header = Header::at(Kind::RPOS, form, position);
                let mut line = b"rz\r***".to_vec();
                header.put(&mut Escaping::default(), &mut line);
                line.extend(b"*noise");
                assert_eq!(hunt(&line), [Found::Header(header)]);
                assert_eq!(header.position(), position);
            }
        }
    }

    #[test]
    fn a_header_with_any_changed_bit_is_none() {
        for form in FORMS {
            let mut line = vec![];
            Header::at(Kind::EOF, form, 0x0012_3456).put(&mut Escaping::default(), &mut line);
            let whole = Found::Header(Header::at(Kind::EOF, form, 0x0012_3456));
            let end = if form == Form::Hex { line.len() - 3 } else { line.len() };
            for at in 4..end {
                for bit in 0..7 {
                    let mut bad = line.clone();
                    bad[at] ^= 1 << bit;
                    assert!(!hunt(&bad).contains(&whole), "{form:?} byte {at}");
                }
            }
        }
    }

    #[test]
    fn the_header_that_sz_begins_with_is_known() {
        let found = hunt(b"rz\r**\x18B00000000000000\r\x8a\x11");
        assert_eq!(found, [Found::Header(Header::at(Kind::RQINIT, Form::Hex, 0))]);
    }
}
