//! What a technician signs: one line.
//!
//! `drydock-service/1 COMPATIBLE DEVICE VERB WHAT NONCE`, printable ASCII, at most [`MAX_LINE`] characters. What is no plain
//! character is percent-escaped, what is too long is cut and ends in `~` and a digest of all of it, and what is empty is `-`.
//! The nonce is eight random characters, and two that check the line, for whoever has to type it.

use crate::base32::{five_bits, symbol};
use crate::error::Error;
use crate::limits::{MAX_LINE, NONCE};
use crate::sshsig::SshSignature;
use crate::verb::Request;
use drydock_format::sha256;
use std::fmt::Write;

const WORD: &str = "drydock-service/1";
/// How long its parts may be, so that all of it is within [`MAX_LINE`].
const COMPATIBLE: usize = 32;
const DEVICE: usize = 40;
const WHAT: usize = 40;
/// So many characters are random.
const RANDOM: usize = NONCE * 8 / 5;
/// So many characters check the line.
const CHECK: usize = 2;
/// So many characters stand for the digest of what is cut.
const DIGEST: usize = 16;

/// One line, for one use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    line: String,
}

impl Challenge {
    /// The challenge of the device with this name, for a request.
    pub fn new(compatible: &str, device: &str, request: &Request, random: [u8; NONCE]) -> Self {
        let mut line = format!(
            "{WORD} {} {} {} {} ",
            field(compatible, COMPATIBLE),
            field(device, DEVICE),
            request.verb,
            field(&request.what, WHAT)
        );
        line.extend((0..RANDOM).map(|index| symbol(five_bits(&random, index * 5))));
        line.extend(check(&line));
        Self { line }
    }

    /// Returns the line, without its end. It is what is signed, with or without a line end.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Returns the messages that a signature may be of: the line, as different tools take it from their input.
    pub(crate) fn messages(&self) -> [Vec<u8>; 3] {
        ["", "\n", "\r\n"].map(|end| [self.line.as_bytes(), end.as_bytes()].concat())
    }

    /// Whether a signature is one of this challenge.
    pub fn is_signed_by(&self, signature: &SshSignature) -> bool {
        self.messages().iter().any(|message| signature.holds(message))
    }

    /// Reads a line that was typed or copied. More white space does not matter, nor line breaks where a terminal has wrapped
    /// it.
    ///
    /// # Errors
    /// It is no challenge, or a character is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |problem| Err(Error::Challenge { problem });
        if text.len() > 4 * MAX_LINE {
            return bad("it is far too long");
        }
        let unwrapped = text.trim().replace(['\n', '\r'], "");
        for text in [text, &unwrapped] {
            let line = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            let good = line.len() <= MAX_LINE
                && line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
                && line.starts_with(WORD)
                && line.split(' ').count() == 6;
            let before = line.len().saturating_sub(CHECK);
            if let Some((before, found)) = line.split_at_checked(before).filter(|_| good)
                && check(before).eq(found.chars())
            {
                return Ok(Self { line });
            }
        }
        match text.trim_start().starts_with(WORD) {
            true => bad("a character is wrong, or a part is missing; compare it with the device's screen"),
            false => bad("it does not begin with drydock-service/1"),
        }
    }

    /// Returns the words of it that say what it is about: compatible, device, verb and what.
    pub fn words(&self) -> [&str; 4] {
        let mut words = self.line.split(' ').skip(1);
        [(); 4].map(|()| words.next().unwrap_or_default())
    }
}

/// The characters that check a line, for what stands before them.
fn check(before: &str) -> impl Iterator<Item = char> + use<> {
    let digest = sha256(before.as_bytes());
    (0..CHECK).map(move |index| symbol(five_bits(&digest.0, index * 5)))
}

/// A part of the line, at most `most` characters of it.
fn field(text: &str, most: usize) -> String {
    if text.is_empty() {
        return "-".into();
    }
    let mut all = String::new();
    let mut start = 0;
    for byte in text.bytes() {
        // A lone hyphen means that there is nothing.
        let plain =
            byte.is_ascii_alphanumeric() || b"._:/+@=,".contains(&byte) || byte == b'-' && text != "-";
        if plain {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        if all.len() < most - DIGEST {
            start = all.len();
        }
        if all.len() > most {
            break;
        }
    }
    if all.len() > most {
        let digest = sha256(text.as_bytes());
        all.truncate(start);
        all.push('~');
        all.extend((0..DIGEST).map(|index| symbol(five_bits(&digest.0, index * 5))));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verb::Verb;
    use proptest::prelude::*;

    fn challenge(device: &str, what: &str) -> Challenge {
        let request = Request::new(Verb::FactoryReset, what).unwrap();
        Challenge::new("acme-pump", device, &request, [1, 2, 3, 4, 5])
    }

    #[test]
    fn a_challenge_is_one_readable_line() {
        assert_eq!(
            challenge("pump-7", "").line(),
            "drydock-service/1 acme-pump pump-7 factory-reset - 04106105AX"
        );
        assert_eq!(challenge("pump-7", "-").words(), ["acme-pump", "pump-7", "factory-reset", "%2D"]);
        assert_eq!(
            challenge("a b~", "x\n\u{1b}").words(),
            ["acme-pump", "a%20b%7E", "factory-reset", "x%0A%1B"]
        );
    }

    #[test]
    fn what_differs_anywhere_has_another_challenge_however_long_it_is() {
        let long = "x".repeat(1000);
        let other = format!("{}y", &long[1..]);
        assert_ne!(challenge(&long, "a"), challenge(&other, "a"));
        assert_ne!(challenge("d", &long), challenge("d", &other));
        assert_ne!(challenge("d", "a b"), challenge("d", "a%20b"));
        let longest = Request::new(Verb::FactoryReset, "é".repeat(500)).unwrap();
        let line = Challenge::new(&long, &long, &longest, [255; 5]).line().to_owned();
        assert!(line.len() <= MAX_LINE, "{} {line}", line.len());
        assert!(line.contains("%C3%A9%C3~"), "{line}");
    }

    #[test]
    fn a_copied_line_is_read_and_a_mistyped_one_is_not() {
        let asked = challenge("pump-7", "logs");
        let line = asked.line();
        assert_eq!(Challenge::parse(&format!("  {}\r\n", line.replace(' ', "  "))).unwrap(), asked);
        for at in 1..line.len() {
            let wrapped = format!("{}\n{}", &line[..at], &line[at..]);
            assert_eq!(Challenge::parse(&wrapped).unwrap(), asked, "{wrapped}");
        }
        for wrong in
            [line.replace("pump-7", "pump-1"), line.replace("logs", "log"), line[..line.len() - 1].into()]
        {
            assert!(Challenge::parse(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_challenge_is_printable_bounded_and_read_again(
            compatible in ".{0,80}", device in ".{0,200}", what in ".{0,200}", random: [u8; 5], verb in 0..Verb::ALL.len()
        ) {
            let request = Request::new(Verb::ALL[verb], what).unwrap();
            let challenge = Challenge::new(&compatible, &device, &request, random);
            prop_assert!(challenge.line().len() <= MAX_LINE);
            prop_assert_eq!(Challenge::parse(challenge.line()).unwrap(), challenge);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,300}") {
            let _ = Challenge::parse(&text);
        }
    }
}
