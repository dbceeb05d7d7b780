//! U-Boot's environment, byte for byte as U-Boot 2023.01 (`include/env_internal.h`, `env/common.c`, `lib/hashtable.c`) has
//! it: a CRC-32, a byte that tells which of two copies is newer where there are two, then `name=value` strings that end in a
//! NUL each, and an empty one after the last.

use crate::bootloader::variables::{self, PREFIX, damaged};
use crate::bootloader::{Observed, Wanted};
use drydock_block::{Error, crc32};

const WHAT: &str = "boot environment";
/// The CRC-32 of all that follows the header, as little-endian processors write it.
const CRC: usize = 4;

/// One whole environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Where there are two copies: higher is newer, and 0 is newer than 255.
    pub flag: u8,
    /// The strings, with their NULs, as they stand there. Those that drydock does not know are kept as they are.
    entries: Vec<u8>,
}

/// How many bytes come before the strings.
fn header(redundant: bool) -> usize {
    CRC + usize::from(redundant)
}

impl Environment {
    /// One with these variables, each as `name=value`: what a board begins with.
    ///
    /// # Errors
    /// [`Damaged`](Error::Damaged) if a line is none that U-Boot could read back.
    pub fn from_lines<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Self, Error> {
        let mut entries = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let named = line.split_once('=').is_some_and(|(name, _)| !name.is_empty());
            if !named || line.contains('\0') {
                return Err(damaged(&format!("`{line}` is no `name=value`")));
            }
            entries.extend_from_slice(line.as_bytes());
            entries.push(0);
        }
        Ok(Self { flag: 0, entries })
    }

    /// Reads one copy, all of its bytes. `redundant`: whether there are two.
    ///
    /// # Errors
    /// [`Damaged`](Error::Damaged) if U-Boot would not believe it either: its checksum is wrong, or a name is empty.
    pub fn decode(copy: &[u8], redundant: bool) -> Result<Self, Error> {
        let strings = copy.get(header(redundant)..).unwrap_or_default();
        let checksum = copy.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        if strings.is_empty() || checksum != Some(crc32(strings)) {
            return Err(damaged("its checksum is wrong"));
        }
        let mut end = 0;
        while strings.get(end).is_some_and(|&byte| byte != 0) {
            if strings[end] == b'=' {
                return Err(damaged("a variable has no name"));
            }
            end =
                strings[end..].iter().position(|&byte| byte == 0).map_or(strings.len(), |len| end + len + 1);
        }
        let mut entries = strings[..end].to_vec();
        // The last string may end with its place.
        if entries.last().is_some_and(|&byte| byte != 0) {
            entries.push(0);
        }
        Ok(Self { flag: if redundant { copy[CRC] } else { 0 }, entries })
    }

    /// Returns the copy as it stands on the medium, `size` bytes.
    ///
    /// # Errors
    /// [`TooLarge`](Error::TooLarge) if the variables do not fit.
    pub fn encode(&self, size: usize, redundant: bool) -> Result<Vec<u8>, Error> {
        let at = header(redundant);
        // One more NUL ends the list.
        let needed = at + self.entries.len() + 1;
        if needed > size {
            return Err(Error::TooLarge { what: WHAT, size: needed as u64, room: size as u64 });
        }
        let mut copy = vec![0; size];
        copy[at..at + self.entries.len()].copy_from_slice(&self.entries);
        let checksum = crc32(&copy[at..]);
        copy[..CRC].copy_from_slice(&checksum.to_le_bytes());
        if redundant {
            copy[CRC] = self.flag;
        }
        Ok(copy)
    }

    /// The strings, without their NULs.
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.split(|&byte| byte == 0).filter(|string| !string.is_empty())
    }

    /// The value of a variable. Where one is there twice, the later one counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        let texts = self.strings().filter_map(|string| std::str::from_utf8(string).ok());
        texts
            .filter_map(|text| text.split_once('='))
            .filter(|(key, _)| *key == name)
            .last()
            .map(|(_, value)| value)
    }

    /// What U-Boot was told, and has left.
    ///
    /// # Errors
    /// [`Damaged`](Error::Damaged) if a variable is missing or makes no sense: its script does not believe it either.
    pub fn observed(&self) -> Result<Observed, Error> {
        variables::observed(&|name| self.get(name))
    }

    /// The one that comes after this one: with what is wanted, and all of this one's variables that are not drydock's.
    #[must_use]
    pub fn telling(&self, wanted: &Wanted) -> Self {
        let mut entries = Vec::new();
        let others = self.strings().filter(|string| !string.starts_with(PREFIX.as_bytes()));
        let lines = variables::lines(wanted);
        for string in others.chain(lines.iter().map(|line| line.as_bytes())) {
            entries.extend_from_slice(string);
            entries.push(0);
        }
        Self { flag: self.flag.wrapping_add(1), entries }
    }
}

/// Which of two flags is the newer copy's: the first one's where they are alike. `env_check_redund` in U-Boot's
/// `env/common.c`.
pub fn second_is_newer(first: u8, second: u8) -> bool {
    match (first, second) {
        (255, 0) => true,
        (0, 255) => false,
        _ => second > first,
    }
}
