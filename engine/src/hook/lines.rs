//! What a hook says, as lines that do no harm wherever they are shown.

/// The longest line in characters; the rest of it is left out.
const LONGEST: usize = 200;
/// So many lines of one hook are told.
const MOST: usize = 100;

/// Makes lines of bytes that come in pieces.
#[derive(Debug, Default)]
pub struct Lines {
    line: String,
    is_cut: bool,
    told: usize,
    left_out: u64,
}

impl Lines {
    /// Takes a piece, and tells every line that it completes. Whatever is not printable ASCII is told as `?`.
    pub fn take(&mut self, piece: &[u8], tell: &mut dyn FnMut(&str)) {
        for byte in piece {
            match byte {
                b'\n' => self.end(tell),
                // It belongs to the end of the line, or is a way to write over it.
                b'\r' => {}
                _ if self.line.len() >= LONGEST => self.is_cut = true,
                b'\t' => self.line.push(' '),
                b' '..=b'~' => self.line.push(char::from(*byte)),
                _ => self.line.push('?'),
            }
        }
    }

    /// Tells what has no end of a line yet, and how much was left out.
    pub fn finish(mut self, tell: &mut dyn FnMut(&str)) {
        if !self.line.is_empty() {
            self.end(tell);
        }
        if self.left_out > 0 {
            tell(&format!("({} more lines are left out)", self.left_out));
        }
    }

    fn end(&mut self, tell: &mut dyn FnMut(&str)) {
        if self.told >= MOST {
            self.left_out = self.left_out.saturating_add(1);
        } else if !self.line.is_empty() {
            if self.is_cut {
                self.line.push_str("...");
            }
            tell(&self.line);
            self.told += 1;
        }
        self.line.clear();
        self.is_cut = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut told) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, &mut |line| told.push(line.to_owned()));
        }
        lines.finish(&mut |line| told.push(line.to_owned()));
        told
    }

    #[test]
    fn lines_come_whole_however_they_were_cut_and_do_no_harm() {
        assert_eq!(all(&[b"one\r\ntw", b"o\n\nthree"]), ["one", "two", "three"]);
        assert_eq!(all(&[b"\x1b[2Jred\x07\t\xc3\xbc\n"]), ["?[2Jred? ??"]);
    }

    #[test]
    fn a_flood_is_counted_and_not_told() {
        let flood = b"x\n".repeat(MOST + 7);
        let told = all(&[&flood]);
        assert_eq!((told.len(), told.last().unwrap().as_str()), (MOST + 1, "(7 more lines are left out)"));
        let told = all(&[&vec![b'y'; 1 << 20]]);
        assert_eq!((told.len(), told[0].len()), (1, LONGEST + 3));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_told_in_few_short_plain_lines(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..500), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let told = all(&pieces);
            prop_assert!(told.len() <= MOST + 1);
            for line in told {
                prop_assert!(line.len() <= LONGEST + 3 && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    }
}
