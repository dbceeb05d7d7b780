//! The list of a tree's files, as it stands at the beginning of an image.
//!
//! A first line `drydock-files/1 LENGTH`, where the length is that of the whole list in eight digits; then `only PATTERN` and
//! `except PATTERN`; then one line for each entry, in the order of their paths.

use crate::limits::LIST;
use crate::line::{Entry, What, is_in};
use crate::{Choice, Error, Pattern};
use std::path::Path;

/// Where the list lies in an image, in bytes: behind the tar header of the member that it is.
pub const LIST_AT: u64 = 512;
/// The length of the first line in bytes.
pub const HEAD: usize = PREFIX.len() + 9;

const PREFIX: &[u8] = b"drydock-files/1 ";
/// The most entries.
const ENTRIES: usize = 200_000;
/// The most patterns.
const PATTERNS: usize = 256;

/// What an image holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Which of a device's files the image is about: others are not touched by it.
    pub choice: Choice,
    entries: Vec<Entry>,
    /// Those that have another name, by their place.
    shared: Vec<usize>,
    /// Where the contents begin.
    data: u64,
}

/// Returns the length of a list in bytes from its first [`HEAD`] bytes. It is at most [`LIST`].
pub fn length(head: &[u8]) -> Result<u64, Error> {
    let digits = head.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(b"\n"));
    let digits = digits.filter(|digits| digits.len() == 8 && digits.iter().all(u8::is_ascii_digit));
    let digits = digits.ok_or(Error::NoList)?;
    let size = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    match size {
        0..=LIST if size >= HEAD as u64 => Ok(size),
        0..=LIST => Err(Error::NoList),
        _ => Err(Error::TooLarge { size }),
    }
}

impl List {
    /// Reads the list of an image of this size. Only for bytes that are proven to be the image's.
    pub fn parse(bytes: &[u8], image_size: u64) -> Result<Self, Error> {
        let head = bytes.get(..HEAD).ok_or(Error::NoList)?;
        if length(head)? != bytes.len() as u64 {
            return Err(Error::NoList);
        }
        let data = LIST_AT + (bytes.len() as u64).next_multiple_of(LIST_AT);
        let room = image_size.checked_sub(data).ok_or(Error::NoList)?;
        let mut list = Self { choice: Choice::default(), entries: Vec::new(), shared: Vec::new(), data };
        let body = bytes.get(HEAD..).unwrap_or_default();
        let body = match body.split_last() {
            None => return Ok(list),
            Some((b'\n', body)) => body,
            Some(_) => return Err(Error::NoList),
        };
        let mut folders = Vec::new();
        for (number, line) in (2..).zip(body.split(|byte| *byte == b'\n')) {
            list.take(line, room, &mut folders).map_err(|problem| Error::Line { number, problem })?;
        }
        Ok(list)
    }

    /// Takes one line. `folders` are those above the last entry.
    fn take(&mut self, line: &[u8], room: u64, folders: &mut Vec<usize>) -> Result<(), &'static str> {
        if let Some(kind) = [&b"only "[..], b"except "].iter().position(|word| line.starts_with(word)) {
            let text = line.splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default();
            let pattern = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            let pattern: Pattern = pattern.ok_or("a pattern can't be one")?;
            let choice = &mut self.choice;
            // There is one order in which a list is written.
            let is_late = !self.entries.is_empty() || kind == 0 && !choice.except.is_empty();
            if is_late || choice.only.len() + choice.except.len() == PATTERNS {
                return Err("a pattern is not in its place");
            }
            match kind {
                0 => choice.only.push(pattern),
                _ => choice.except.push(pattern),
            }
            return Ok(());
        }
        if self.entries.len() == ENTRIES {
            return Err("there are more entries than there may be");
        }
        let entry = Entry::parse(line)?;
        if self.entries.last().is_some_and(|last| last.path >= entry.path) {
            return Err("it is not in order");
        }
        while let Some(above) = folders.last().and_then(|index| self.entries.get(*index)) {
            if is_in(&entry.path, &above.path) {
                break;
            }
            folders.pop();
        }
        if folders.is_empty() && !is_in(&entry.path, Path::new("")) {
            return Err("the folder that it is in is not in the list");
        }
        match &entry.what {
            What::Folder => folders.push(self.entries.len()),
            What::File { size, at, .. } if at.checked_add(*size).is_none_or(|end| end > room) => {
                return Err("the contents are not within the image");
            }
            What::Same { file } => {
                let index = self.find(file).filter(|index| self.is_file(*index));
                let index = index.ok_or("no file that comes before it has the other name")?;
                if let Err(place) = self.shared.binary_search(&index) {
                    self.shared.insert(place, index);
                }
            }
            What::File { .. } | What::Link { .. } => {}
        }
        self.entries.push(entry);
        Ok(())
    }

    /// The entries, in the order of their paths: a folder comes before what is in it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry with this path.
    pub fn at(&self, path: &Path) -> Option<&Entry> {
        self.entries.get(self.find(path)?)
    }

    fn find(&self, path: &Path) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.path.as_path().cmp(path)).ok()
    }

    fn is_file(&self, index: usize) -> bool {
        matches!(self.entries.get(index), Some(Entry { what: What::File { .. }, .. }))
    }

    /// Whether a file has another name in the list.
    pub fn has_names(&self, file: &Entry) -> bool {
        self.find(&file.path).is_some_and(|index| self.shared.binary_search(&index).is_ok())
    }

    /// The file that an entry is a name of: itself, or the one that it shares its contents with.
    pub fn file<'l>(&'l self, entry: &'l Entry) -> &'l Entry {
        match &entry.what {
            What::Same { file } => self.at(file).unwrap_or(entry),
            _ => entry,
        }
    }

    /// Where in the image, in bytes, contents lie that the list says are at `at`.
    pub fn place(&self, at: u64) -> u64 {
        self.data.saturating_add(at)
    }

    /// The bytes of a list with these entries, which must be in order.
    pub fn encode(choice: &Choice, entries: &[Entry]) -> Vec<u8> {
        let mut body = Vec::new();
        for (word, patterns) in [("only", &choice.only), ("except", &choice.except)] {
            patterns.iter().for_each(|pattern| body.extend(format!("{word} {pattern}\n").bytes()));
        }
        entries.iter().for_each(|entry| entry.encode(&mut body));
        let mut bytes = PREFIX.to_vec();
        bytes.extend(format!("{:08}\n", HEAD + body.len()).bytes());
        bytes.extend(body);
        bytes
    }
}
