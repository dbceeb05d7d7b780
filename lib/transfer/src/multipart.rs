//! A `multipart/byteranges` as it comes in, piece by piece (RFC 9110, 14.6; RFC 2046, 5.1.1).
//!
//! Each part says which bytes of the file it has, so that its end is counted and nobody looks for a boundary within it.

use crate::head::{Boundary, ContentRange, overlaps, shown};
use crate::ranges::Ranges;
use crate::trouble::Trouble;
use std::ops::Range;

/// The most bytes of a part's head, of what comes before the first boundary, and of what follows the last one.
pub const MAX_PART_HEADERS: usize = 8 << 10;

/// Reads parts, one after the other.
#[derive(Debug)]
pub struct Multipart {
    delimiter: String,
    state: State,
    /// The line that is being read.
    line: Vec<u8>,
    /// Bytes of lines since the last part's data.
    spent: usize,
    /// How many more bytes of data may come in all.
    budget: u64,
    length: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Before,
    /// In a part's head, with the range that it has named so far.
    Head(Option<Range<u64>>),
    /// These bytes of the file are next.
    Data(Range<u64>),
    /// Behind a part's data: the line break that belongs to the next boundary.
    Break,
    /// The next boundary.
    Between,
    /// Behind the last boundary.
    Over,
}

impl Multipart {
    /// Returns a reader of parts with this boundary, which takes so many bytes of data at most. `length` is that of the
    /// file, where it is known.
    pub fn new(boundary: &Boundary, budget: u64, length: Option<u64>) -> Self {
        let delimiter = format!("--{}", boundary.as_str());
        Self { delimiter, state: State::Before, line: Vec::new(), spent: 0, budget, length }
    }

    /// Returns the length of the file, once a part has named it.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the last boundary has come.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Takes bytes off `input`, until it is empty or some of the file's have come: those and their place are returned.
    pub fn next<'i>(
        &mut self,
        input: &mut &'i [u8],
        asked: &Ranges,
    ) -> Result<Option<(u64, &'i [u8])>, Trouble> {
        while !input.is_empty() {
            if let State::Data(range) = &mut self.state {
                let most = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let (data, rest) = input.split_at(most.min(input.len()));
                let at = range.start;
                range.start += data.len() as u64;
                if range.is_empty() {
                    self.state = State::Break;
                    self.spent = 0;
                }
                *input = rest;
                return Ok(Some((at, data)));
            }
            self.take_line(input, asked)?;
        }
        Ok(None)
    }

    /// Takes bytes up to the end of a line, and reads the line if it is there.
    fn take_line(&mut self, input: &mut &[u8], asked: &Ranges) -> Result<(), Trouble> {
        let end = input.iter().position(|&byte| byte == b'\n');
        let (bytes, rest) = input.split_at(end.map_or(input.len(), |end| end + 1));
        *input = rest;
        self.spent += bytes.len();
        if self.spent > MAX_PART_HEADERS {
            return Err(Trouble::Malformed("the head of a part has no end".into()));
        }
        if self.state == State::Over {
            return Ok(());
        }
        self.line.extend_from_slice(bytes);
        if end.is_none() {
            // The last boundary need not end in a line break.
            let closing = self.delimiter.len() + 2;
            if self.line.len() >= closing && self.is_closing() && self.at_boundary() {
                self.line.clear();
                self.state = State::Over;
            }
            return Ok(());
        }
        let line = std::mem::take(&mut self.line);
        if self.state == State::Break {
            self.state = State::Between;
            return match line.as_slice() {
                b"\r\n" => Ok(()),
                _ => Err(Trouble::Malformed("a part does not have the length that it says".into())),
            };
        }
        let text = String::from_utf8_lossy(&line);
        self.read_line(text.trim_end_matches(['\r', '\n']), asked)
    }

    fn is_closing(&self) -> bool {
        self.line.strip_prefix(self.delimiter.as_bytes()).is_some_and(|rest| rest.starts_with(b"--"))
    }

    fn at_boundary(&self) -> bool {
        matches!(self.state, State::Before | State::Between)
    }

    fn read_line(&mut self, line: &str, asked: &Ranges) -> Result<(), Trouble> {
        if self.at_boundary() {
            match line.strip_prefix(&self.delimiter) {
                Some(rest) if rest.starts_with("--") => self.state = State::Over,
                Some(rest) if rest.trim().is_empty() => self.state = State::Head(None),
                // A preamble is to be passed by.
                _ if self.state == State::Before => {}
                _ => return Err(Trouble::Malformed(format!("a part is followed by `{}`", shown(line)))),
            }
            return Ok(());
        }
        let State::Head(range) = &mut self.state else { return Ok(()) };
        if !line.is_empty() {
            let value = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-range"));
            if let Some((_, value)) = value {
                let found = ContentRange::parse(value).filter(|found| overlaps(asked, &found.range));
                let found = found.ok_or_else(|| {
                    Trouble::Malformed(format!("the range `{}` is none that was asked for", shown(value)))
                })?;
                *range = Some(found.range.clone());
                self.take_length(found.total)?;
            }
            return Ok(());
        }
        let range =
            range.take().ok_or_else(|| Trouble::Malformed("a part does not say which it is".into()))?;
        self.budget = self
            .budget
            .checked_sub(range.end - range.start)
            .ok_or_else(|| Trouble::Malformed("more comes than was asked for".into()))?;
        self.state = State::Data(range);
        Ok(())
    }

    fn take_length(&mut self, total: Option<u64>) -> Result<(), Trouble> {
        match (self.length, total) {
            (Some(before), Some(now)) if before != now => {
                Err(Trouble::Exchanged(format!("it had {before} bytes and has {now}")))
            }
            (None, Some(_)) => {
                self.length = total;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
