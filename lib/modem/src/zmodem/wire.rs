//! What is on the line: escapes, and the ends of pieces (ZMODEM sections 7.2 and 7.4).

/// Begins a header.
pub(crate) const ZPAD: u8 = b'*';
/// Begins an escape. It is CAN at the same time.
pub(crate) const ZDLE: u8 = 0x18;
const DLE: u8 = 0x10;
const XON: u8 = 0x11;
const XOFF: u8 = 0x13;
/// So many CAN in a row cancel a transfer.
pub(crate) const CANS: u8 = 5;
/// Cancels a transfer, and takes the traces of that from the other end's screen (ZMODEM section 7.3.4).
pub(crate) const CANCEL: &[u8] =
    b"\x18\x18\x18\x18\x18\x18\x18\x18\x18\x18\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08";

/// How a piece of data ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// ZCRCE: a header follows.
    Frame,
    /// ZCRCG: another piece follows at once.
    Goes,
    /// ZCRCQ: another piece follows at once; ZACK is expected nevertheless.
    Asks,
    /// ZCRCW: ZACK is expected, and a header follows.
    Waits,
}

impl End {
    /// Returns the byte behind ZDLE that stands for it.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Frame => b'h',
            Self::Goes => b'i',
            Self::Asks => b'j',
            Self::Waits => b'k',
        }
    }
}

/// What the bytes of a line mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A byte.
    Byte(u8),
    /// The end of a piece.
    End(End),
    /// Nothing that there is.
    Bad,
}

/// Takes escapes away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unescape {
    escaped: bool,
}

impl Unescape {
    /// Takes a byte of the line. Nothing: it says nothing by itself.
    pub(crate) fn take(&mut self, byte: u8) -> Option<Token> {
        // These are never data: something between the two ends may have added them.
        if matches!(byte & 0x7f, XON | XOFF) {
            return None;
        }
        if byte == ZDLE {
            self.escaped = true;
            return None;
        }
        if !std::mem::take(&mut self.escaped) {
            return Some(Token::Byte(byte));
        }
        Some(match byte {
            b'h' => Token::End(End::Frame),
            b'i' => Token::End(End::Goes),
            b'j' => Token::End(End::Asks),
            b'k' => Token::End(End::Waits),
            b'l' => Token::Byte(0x7f),
            b'm' => Token::Byte(0xff),
            _ if byte & 0x60 == 0x40 => Token::Byte(byte ^ 0x40),
            _ => Token::Bad,
        })
    }
}

/// Which bytes a receiver wants escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Escape {
    /// Those that mean something to ZMODEM, and to what may lie between the two ends.
    #[default]
    Few,
    /// All control characters.
    Controls,
}

/// Puts escapes in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Escaping {
    pub(crate) escape: Escape,
    last: u8,
}

impl Escaping {
    /// Appends bytes as they go over the line.
    pub(crate) fn put(&mut self, bytes: &[u8], line: &mut Vec<u8>) {
        for byte in bytes {
            let few = match byte & 0x7f {
                DLE | XON | XOFF => true,
                // A terminal server of old took CR behind @ for a command of its own.
                b'\r' => self.last & 0x7f == b'@',
                _ => *byte == ZDLE,
            };
            let escaped = few || self.escape == Escape::Controls && byte & 0x60 == 0;
            if escaped {
                line.extend([ZDLE, byte ^ 0x40]);
            } else {
                line.push(*byte);
            }
            self.last = *byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_through_whatever_is_escaped() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).flat_map(|byte| [b'@', byte])).collect();
        for escape in [Escape::Few, Escape::Controls] {
            let (mut line, mut escaping) = (vec![], Escaping { escape, last: 0 });
            escaping.put(&bytes, &mut line);
            let mut unescape = Unescape::default();
            let came: Vec<_> = line.iter().filter_map(|byte| unescape.take(*byte)).collect();
            let sent: Vec<_> = bytes.iter().map(|byte| Token::Byte(*byte)).collect();
            assert_eq!(came, sent);
            assert!(line.iter().all(|byte| !matches!(byte & 0x7f, XON | XOFF)));
        }
    }

    #[test]
    fn what_is_no_escape_is_bad_and_rub_outs_have_their_own() {
        let read = |bytes: &[u8]| {
            let mut unescape = Unescape::default();
            bytes.iter().filter_map(|byte| unescape.take(*byte)).collect::<Vec<_>>()
        };
        assert_eq!(read(b"\x18l\x18m\x18 "), [Token::Byte(0x7f), Token::Byte(0xff), Token::Bad]);
        assert_eq!(read(b"\x11\x18\x13k"), [Token::End(End::Waits)]);
        for end in [End::Frame, End::Goes, End::Asks, End::Waits] {
            assert_eq!(read(&[ZDLE, end.byte()]), [Token::End(end)]);
        }
    }
}
