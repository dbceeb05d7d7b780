//! A line as it is typed, from the bytes that a terminal sends. No I/O.
//!
//! The kernel could edit lines as well. But it knows one erase character where terminals send one of two, takes characters
//! of several bytes apart, keeps what arrow keys send as if it had been typed, and makes two lines of one that ends in CR
//! and LF.

use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The longest line in bytes. What is typed beyond is dropped.
const LONGEST: usize = 4096;
/// How long the rest of what one key sends may be in coming. After that an escape was a key by itself.
const KEY_TIME: Duration = Duration::from_millis(500);

/// What a byte has done to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing that shows.
    Nothing,
    /// The byte stands at its end.
    Added,
    /// This many characters have gone from its end.
    Erased(usize),
    /// It is complete.
    Done,
}

/// Where in what a key sends we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// At its beginning.
    Plain,
    /// After an escape.
    Escape,
    /// At the beginning of a control sequence: `ESC [`.
    Introduced,
    /// Within one, which ends with a byte from `@` to `~`.
    Sequence,
    /// One more byte belongs to it: `ESC O P`, and `ESC [ [ A` of the kernel's own screen.
    Last,
    /// The other bytes of a character that was typed together with Alt.
    Tail,
}

/// A line that is being typed. It is cleared on drop.
pub(super) struct Line {
    bytes: Zeroizing<Vec<u8>>,
    key: Key,
    last: Option<Instant>,
    after_cr: bool,
}

impl Line {
    /// An empty one. `after_cr`: the line before ended in CR, so that a LF at the beginning of this one belongs to that.
    pub(super) fn new(after_cr: bool) -> Self {
        // It never grows, for what it leaves behind would not be cleared.
        let bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        Self { bytes, key: Key::Plain, last: None, after_cr }
    }

    /// What has been typed, without the line's end.
    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    /// Takes the next byte, which came at this time.
    pub(super) fn take(&mut self, byte: u8, now: Instant) -> Typed {
        let late = self.last.replace(now).is_some_and(|last| now.duration_since(last) > KEY_TIME);
        let key = if late { Key::Plain } else { self.key };
        let after_cr = std::mem::take(&mut self.after_cr);
        // No key sends one of these within a sequence: it was cut short.
        let control = byte < b' ' || byte == 0x7f;
        self.key = match (key, byte) {
            (Key::Escape, b'[') => Key::Introduced,
            (Key::Escape, b'N' | b'O') | (Key::Introduced, b'[') => Key::Last,
            (Key::Introduced | Key::Sequence, b' '..=b'?') => Key::Sequence,
            (Key::Escape, 0xc0..) | (Key::Tail, 0x80..0xc0) => Key::Tail,
            _ => Key::Plain,
        };
        let belongs_to_key = match key {
            Key::Plain => false,
            Key::Tail => (0x80..0xc0).contains(&byte),
            _ => !control,
        };
        if belongs_to_key {
            return Typed::Nothing;
        }
        match byte {
            b'\n' if after_cr => Typed::Nothing,
            b'\r' | b'\n' => Typed::Done,
            0x08 | 0x7f => self.erase(self.last_character()),
            // Ctrl-U, Ctrl-C, Ctrl-W.
            0x15 | 0x03 => self.erase(self.bytes.len()),
            0x17 => self.erase(self.last_word()),
            0x1b => {
                self.key = Key::Escape;
                Typed::Nothing
            }
            b'\t' | b' '.. if self.bytes.len() < LONGEST => {
                self.bytes.push(byte);
                Typed::Added
            }
            _ => Typed::Nothing,
        }
    }

    fn erase(&mut self, len: usize) -> Typed {
        let left = self.bytes.len() - len;
        let begins_character = |byte: &&u8| !(0x80..0xc0).contains(*byte);
        let characters = self.bytes[left..].iter().filter(begins_character).count();
        self.bytes.truncate(left);
        // Bytes that begin none are shown as something, too.
        Typed::Erased(characters.max(len.min(1)))
    }

    /// The bytes of the last character; a byte that is no UTF-8 counts as one.
    fn last_character(&self) -> usize {
        let following = self.bytes.iter().rev().take_while(|byte| (0x80..0xc0).contains(*byte)).count();
        let first = self.bytes.len().checked_sub(following + 1).map(|at| self.bytes[at]);
        let len = match first {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 1,
        };
        let len = if len == following + 1 { len } else { 1 };
        len.min(self.bytes.len())
    }

    /// The bytes of the last word and the blanks behind it.
    fn last_word(&self) -> usize {
        let blanks = self.bytes.iter().rev().take_while(|byte| **byte == b' ').count();
        let word = self.bytes.iter().rev().skip(blanks).take_while(|byte| **byte != b' ').count();
        blanks + word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::ProptestConfig;

    /// The first line of what is typed at once, and whether it is complete.
    fn typed(bytes: &[u8]) -> (Vec<u8>, bool) {
        let (mut line, now) = (Line::new(false), Instant::now());
        let done = bytes.iter().any(|&byte| line.take(byte, now) == Typed::Done);
        (line.into_bytes().to_vec(), done)
    }

    #[test]
    fn a_line_is_what_was_meant_whatever_the_terminal_sends() {
        for (sent, meant) in [
            ("open sesame\r", "open sesame"),
            ("open sesame\n", "open sesame"),
            ("open sesame\r\nmore", "open sesame"),
            ("\r", ""),
            ("opem\x7fn\r", "open"),
            ("opem\x08n\r", "open"),
            ("\x7f\x08open\r", "open"),
            ("ü\x7fopen\r", "open"),
            ("o€\x08pen\r", "open"),
            ("o🔑\x7fpen\r", "open"),
            ("grün \x7fü\x7f\r", "grün"),
            ("wrong\x15open\r", "open"),
            ("wrong\x03open\r", "open"),
            ("open wrong  \x17sesame\r", "open sesame"),
            ("\x17open\r", "open"),
            // Arrow keys, Home, Delete, F5 with Ctrl, in both of a terminal's modes; F1 of the kernel's screen.
            ("op\x1b[Den\x1bOA\x1b[H\r", "open"),
            ("op\x1b[3~en\x1b[15;5~\r", "open"),
            ("op\x1bOPen\x1b[[A\r", "open"),
            // Alt, with a letter and with a character of two bytes.
            ("op\x1bxen\x1bü\r", "open"),
            // A sequence that is cut short takes no line end with it.
            ("open\x1b\r", "open"),
            ("open\x1b[\r", "open"),
            ("open\x1b\x1b[A\r", "open"),
            ("o\0p\x01e\x04n\r", "open"),
            ("tab\tkept\r", "tab\tkept"),
        ] {
            assert_eq!(typed(sent.as_bytes()), (meant.as_bytes().to_vec(), true), "{sent:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_kept_and_erased_one_by_one() {
        assert_eq!(typed(b"gr\xfcn\x7f\x7fau\r"), (b"grau".to_vec(), true));
        assert_eq!(typed(b"a\x80\x80\x7f\r"), (b"a\x80".to_vec(), true));
        assert_eq!(typed(b"\xc3\x7fa\r"), (b"a".to_vec(), true));
        assert_eq!(typed(b"\xe2\x82\xac\x82\x7f\r"), ("€".into(), true));
    }

    proptest::proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_typed_a_line_can_be_erased(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let (mut line, now) = (Line::new(false), Instant::now());
            for byte in bytes {
                line.take(byte, now);
            }
            let later = now + 2 * KEY_TIME;
            while line.take(0x7f, later) != Typed::Erased(0) {}
            proptest::prop_assert!(line.into_bytes().is_empty());
        }
    }

    #[test]
    fn an_escape_with_nothing_behind_it_is_a_key_by_itself() {
        let (mut line, start) = (Line::new(false), Instant::now());
        line.take(0x1b, start);
        assert_eq!(line.take(b'[', start + 2 * KEY_TIME), Typed::Added);
        assert_eq!(line.take(b'A', start + 2 * KEY_TIME), Typed::Added);
        assert_eq!(*line.into_bytes(), b"[A");
    }

    #[test]
    fn the_second_byte_of_a_line_end_is_no_line() {
        let now = Instant::now();
        let mut line = Line::new(true);
        assert_eq!(line.take(b'\n', now), Typed::Nothing);
        assert_eq!(line.take(b'\n', now), Typed::Done);
        assert_eq!(Line::new(true).take(b'\r', now), Typed::Done);
        assert_eq!(Line::new(false).take(b'\n', now), Typed::Done);
    }

    #[test]
    fn a_line_has_an_end_even_if_nobody_ends_it() {
        let (line, done) = typed(&[b'x'; 2 * LONGEST]);
        assert_eq!((line.len(), done), (LONGEST, false));
    }

    #[test]
    fn what_is_erased_is_counted_in_characters() {
        let (mut line, now) = (Line::new(false), Instant::now());
        for byte in "grün".bytes() {
            line.take(byte, now);
        }
        assert_eq!(line.take(0x7f, now), Typed::Erased(1));
        assert_eq!(line.take(0x7f, now), Typed::Erased(1));
        assert_eq!(line.take(0x15, now), Typed::Erased(2));
        assert_eq!(line.take(0x7f, now), Typed::Erased(0));
    }
}
