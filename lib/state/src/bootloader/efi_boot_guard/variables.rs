//! The user variables of an environment: records one after the other, an empty name after the last one (EFI Boot Guard's
//! `env/uservars.c`). A record is a name with a NUL, the length of what follows the name (4 bytes), a type (8 bytes), and the
//! value. drydock has one of its own, and leaves all others as they are.

use super::env::{VARIABLES, WHAT};
use crate::bootloader::{Mode, Observed, Starts, Wanted};
use crate::generation::Generation;
use crate::name::{CopyName, SetName};
use drydock_block::Error;

/// The name of drydock's own variable.
pub(super) const NAME: &[u8] = b"drydock";
/// A text with a NUL at its end (`USERVAR_TYPE_STRING_ASCII`).
const TEXT: u64 = 32;
/// Length and type.
const HEAD: usize = 12;

/// A record: its name, its value, and all of its bytes.
struct Variable<'a> {
    name: &'a [u8],
    value: &'a [u8],
    bytes: &'a [u8],
}

/// All records, up to the first one that can't be one.
fn all(area: &[u8]) -> impl Iterator<Item = Variable<'_>> {
    let mut rest = area;
    std::iter::from_fn(move || {
        let end = rest.iter().position(|&byte| byte == 0).filter(|&end| end > 0)?;
        let head = rest.get(end + 1..)?;
        let length = u32::from_le_bytes(*head.first_chunk()?) as usize;
        let bytes = rest.get(..(end + 1).checked_add(length.max(HEAD))?)?;
        let value = bytes.get(end + 1 + HEAD..).filter(|_| length >= HEAD)?;
        let name = &rest[..end];
        rest = &rest[bytes.len()..];
        Some(Variable { name, value, bytes })
    })
}

/// The value of drydock's own variable.
pub(super) fn own(area: &[u8]) -> Option<&str> {
    let found = all(area).find(|variable| variable.name == NAME)?;
    std::str::from_utf8(found.value.strip_suffix(b"\0").unwrap_or(found.value)).ok()
}

/// Returns the area with all records that are not drydock's, byte for byte, and then drydock's with this value.
pub(super) fn join(area: &[u8], value: &str) -> Result<Vec<u8>, Error> {
    let mut joined = Vec::with_capacity(VARIABLES);
    all(area)
        .filter(|variable| variable.name != NAME)
        .for_each(|other| joined.extend_from_slice(other.bytes));
    joined.extend_from_slice(NAME);
    joined.push(0);
    joined.extend_from_slice(&((HEAD + value.len() + 1) as u32).to_le_bytes());
    joined.extend_from_slice(&TEXT.to_le_bytes());
    joined.extend_from_slice(value.as_bytes());
    joined.push(0);
    // Behind the last one there has to be an empty name.
    if joined.len() >= VARIABLES {
        return Err(Error::TooLarge { what: WHAT, size: joined.len() as u64 + 1, room: VARIABLES as u64 });
    }
    joined.resize(VARIABLES, 0);
    Ok(joined)
}

/// After so many comes 0 again.
const PAIRS: u32 = 100_000_000;

/// What drydock's variable says in the file of what comes second: how often that was written. The other one has the same.
pub(super) fn pair_text(pair: u32) -> String {
    format!("pair={:08}", pair % PAIRS)
}

/// Reads that again, from either file.
pub(super) fn pair(area: &[u8]) -> Option<u32> {
    own(area)?.split(' ').find_map(|word| word.strip_prefix("pair="))?.parse().ok()
}

/// What drydock's variable says. Its length never changes, so neither does the place of any other one.
pub(super) fn text(wanted: &Wanted, pair: u32) -> String {
    let order = match wanted.first {
        SetName::A => "ab",
        SetName::B => "ba",
    };
    let mode = match wanted.mode {
        Mode::Normal => 'n',
        Mode::Recovery => 'r',
    };
    let (generation, copy, Starts { a, b, recovery }) =
        (wanted.generation.told().0, wanted.copy, wanted.attempts);
    let pair = pair_text(pair);
    format!("gen={generation:08} order={order} mode={mode} a={a} b={b} r={recovery} copy={copy} {pair}")
}

/// Reads that again. Words that this drydock does not know are left to a later one.
pub(super) fn parse(text: &str) -> Option<Observed> {
    let get = |name: &str| {
        let mut words = text.split(' ').filter_map(|word| word.split_once('='));
        words.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let starts = |name| get(name)?.parse().ok();
    Some(Observed {
        generation: Generation(get("gen")?.parse().ok()?).told(),
        first: match get("order")? {
            "ab" => SetName::A,
            "ba" => SetName::B,
            _ => return None,
        },
        mode: match get("mode")? {
            "n" => Mode::Normal,
            "r" => Mode::Recovery,
            _ => return None,
        },
        left: Starts { a: starts("a")?, b: starts("b")?, recovery: starts("r")? },
        copy: get("copy")?.parse::<CopyName>().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variables_that_are_not_drydocks_survive_byte_for_byte_and_stay_in_place() {
        let other =
            [&b"app\0"[..], &15u32.to_le_bytes(), &(1u64 << 40).to_le_bytes(), b"\x01\0\xff"].concat();
        let before = join(&other, "one").unwrap();
        let after = join(&before, "two").unwrap();
        assert!(after.starts_with(&other));
        assert_eq!((own(&before), own(&after)), (Some("one"), Some("two")));
        assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 3);
        // One that came behind drydock's keeps its bytes, too.
        let end = other.len() + NAME.len() + 1 + HEAD + 4;
        let mut more = before;
        more[end..end + other.len()].copy_from_slice(&other);
        more[end] = b'z';
        let joined = join(&more, "three").unwrap();
        assert_eq!(&joined[other.len()..2 * other.len()], &more[end..end + other.len()]);
        assert_eq!(own(&joined), Some("three"));
    }

    #[test]
    fn variables_that_leave_no_room_are_an_error() {
        let room = VARIABLES - (NAME.len() + 1 + HEAD + 4) - 1;
        let fill = |size: usize| {
            let mut area = [&b"big\0"[..], &((size - 4) as u32).to_le_bytes(), &[0; 8]].concat();
            area.resize(size, 7);
            join(&area, "one")
        };
        assert!(fill(room).is_ok());
        assert!(matches!(fill(room + 1), Err(Error::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn garbage_never_panics_and_is_never_read_for_ever(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let joined = join(&bytes, "mine").unwrap();
            prop_assert_eq!(own(&joined), Some("mine"));
            prop_assert_eq!(join(&joined, "mine").unwrap(), joined);
            let _ = parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
