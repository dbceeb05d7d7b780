//! Who takes what is received, and who gives what is sent.

use crate::check::Check;
use std::fmt;

/// The longest name of a file that is shown, in characters.
const LONGEST_NAME: usize = 60;

/// The transfer is to end: who takes or gives has said why elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// A file that a sender offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name, made harmless: at most 60 printable ASCII characters, without the folders above it. It is for a person, and
    /// never a path.
    pub name: String,
    /// Its length in bytes, if the sender says so.
    pub size: Option<u64>,
}

/// What becomes of a file that is offered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// All of it is taken.
    Take,
    /// So many bytes of it are there already, if they have this check sum; [`Take::resumed`] says what came of it.
    Resume {
        /// How many bytes are there.
        there: u64,
        /// Their check sum.
        check: Check,
    },
    /// It is not wanted; another one may be.
    Skip,
    /// Nothing is: the transfer is to end.
    Stop,
}

/// Who takes files. What it is given has had the right check sum.
pub trait Take {
    /// Is asked about a file. It may be the same one again: a sender that was interrupted begins anew.
    fn offered(&mut self, offer: &Offer) -> Answer;

    /// Is told where the file begins that was just answered with [`Answer::Resume`]: at what is there, or at 0, because it is
    /// another file or the sender can't tell.
    fn resumed(&mut self, at: u64) -> Result<(), Stop>;

    /// Takes the next bytes of the file.
    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop>;

    /// Is told that all of the file has come.
    fn whole(&mut self) -> Result<(), Stop>;
}

/// Who gives a file.
pub trait Give {
    /// Returns its name, as the receiver is told: printable ASCII.
    fn name(&self) -> &str;

    /// Returns its length in bytes.
    fn size(&self) -> u64;

    /// Fills all of the buffer with bytes of the file.
    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Stop>;
}

/// Returns the answer for the first bytes of a file that are there already.
pub fn there_is(bytes: &[u8]) -> Answer {
    let mut check = Check::default();
    check.update(bytes);
    Answer::Resume { there: bytes.len() as u64, check }
}

impl Offer {
    /// Reads what a sender says of its file: a name that ends with a zero byte, and numbers, the first of which is the length
    /// (ZMODEM section 11.3, XMODEM/YMODEM section 5). Nothing: there is no name, which ends a batch of YMODEM.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(2, |byte| *byte == 0);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let rest = parts.next().unwrap_or_default();
        let digits = rest.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
        let size = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        Some(Self { name: harmless(name), size })
    }
}

/// The name without folders, with all that is not printable ASCII replaced.
fn harmless(name: &[u8]) -> String {
    let last = name.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' };
    last.iter().take(LONGEST_NAME).map(shown).collect()
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Some(size) => write!(f, "{} ({size} bytes)", self.name),
            None => write!(f, "{} (of unknown length)", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_folders_and_escape_sequences_and_never_too_long() {
        let offer = Offer::read(b"../../etc/\x1b[2Jshadow\0 12").unwrap();
        assert_eq!((offer.name.as_str(), offer.size), ("?[2Jshadow", None));
        let offer = Offer::read(b"C:\\a b.drydock\x001234 14 100644 0 1 1234\0").unwrap();
        assert_eq!(offer.to_string(), "a b.drydock (1234 bytes)");
        assert_eq!(Offer::read(&[b'x'; 1000]).unwrap().name.len(), 60);
        assert_eq!(Offer::read(b"\0\0\0"), None);
        assert_eq!(Offer::read(b""), None);
        assert_eq!(Offer::read(b"x\099999999999999999999999 1").unwrap().size, None);
    }
}
