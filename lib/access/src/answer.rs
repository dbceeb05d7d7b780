//! What a technician gives back: an SSH signature, or the same in a short form.
//!
//! The short form is 27 groups of five characters, in three lines of nine groups. It has 540 bits: four that say how it was
//! made (0: the message was hashed with SHA-512; 1: with SHA-256), 24 of the key's id (the SHA-256 of its
//! SubjectPublicKeyInfo), and the 512 of the Ed25519 signature, which is over the bytes that PROTOCOL.sshsig says, with
//! nothing in `reserved`. The fifth character of each group checks it.

use crate::base32::{DATA, GROUP, check, five_bits, symbol, value};
use crate::challenge::Challenge;
use crate::error::Error;
use crate::limits::{GROUPS, MAX_ANSWER};
use crate::sshsig::{Hash, SshSignature, squeeze};
use drydock_format::PublicKey;

/// How many groups are in a line.
const IN_LINE: usize = 9;
/// How many bytes of the key's id are in an answer.
const HINT: usize = 3;
/// The bytes that the groups stand for; the first four bits of these are left out.
const BYTES: usize = 1 + HINT + 64;

/// An answer that has been read. Nothing of it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// By whom it claims to be.
    pub by: By,
    hash: Hash,
    reserved: Vec<u8>,
    signature: [u8; 64],
}

/// By whom an answer claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// This key.
    Key([u8; 32]),
    /// A key whose id begins with this.
    Hint([u8; HINT]),
}

impl By {
    /// Whether this may be the key that is meant.
    pub fn may_be(&self, key: &PublicKey) -> bool {
        match self {
            Self::Key(bytes) => key.as_bytes() == bytes,
            Self::Hint(hint) => key.id().0.starts_with(hint),
        }
    }
}

impl Answer {
    /// Reads an answer in either form. Line breaks, spaces and hyphens between groups do not matter, nor does case.
    ///
    /// # Errors
    /// It is longer than [`MAX_ANSWER`], or can't be one; for the short form the groups at fault are named.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_ANSWER {
            return Err(Error::TooLong { most: MAX_ANSWER });
        }
        let squeezed = squeeze(text);
        if SshSignature::is_in(&squeezed) {
            return SshSignature::from_armor(&squeezed).map(Self::from);
        }
        Self::from_groups(&squeezed)
    }

    /// Whether more lines are to come, where this has come so far. Reading the lines of an answer ends where this is no more.
    pub fn wants_more(text: &str) -> bool {
        let squeezed = squeeze(text);
        if text.len() > MAX_ANSWER {
            return false;
        }
        match squeezed.starts_with("-----") {
            true => !squeezed.contains("-----ENDSSHSIGNATURE-----"),
            false => squeezed.chars().filter(|c| *c != '-').count() < GROUPS * GROUP,
        }
    }

    fn from_groups(text: &str) -> Result<Self, Error> {
        let mut values = Vec::with_capacity(GROUPS * GROUP);
        let mut found = 0;
        for symbol in text.chars().filter(|symbol| *symbol != '-') {
            let group = found / GROUP + 1;
            let value = value(symbol).ok_or(Error::Character { group, found: symbol })?;
            found += 1;
            if values.len() < GROUPS * GROUP {
                values.push(value);
            }
        }
        let fits = |(number, group): (usize, &[u8])| match *group {
            [a, b, c, d, last] => check(number, &[a, b, c, d]) == last,
            _ => false,
        };
        let wrong =
            values.chunks(GROUP).enumerate().filter(|group| !fits(*group)).map(|(number, _)| number + 1);
        let groups: Vec<_> = wrong.collect();
        if found == 0 {
            return Err(Error::Empty);
        }
        if found != GROUPS * GROUP {
            return Err(Error::Count { found, group: groups.first().copied() });
        }
        if !groups.is_empty() {
            return Err(Error::Groups { groups });
        }
        let mut bytes = [0; BYTES];
        let data = values.chunks(GROUP).flat_map(|group| group.iter().take(DATA));
        for (index, value) in data.enumerate() {
            put_five(&mut bytes, 4 + index * 5, *value);
        }
        let (head, signature) = bytes.split_at(1 + HINT);
        match (head, signature.try_into()) {
            (&[form @ (0 | 1), a, b, c], Ok(signature)) => {
                let hash = if form == 0 { Hash::Sha512 } else { Hash::Sha256 };
                Ok(Self { by: By::Hint([a, b, c]), hash, reserved: Vec::new(), signature })
            }
            _ => Err(Error::Form),
        }
    }

    /// Returns the short form: three lines, each with its end.
    ///
    /// # Errors
    /// The signature has a reserved part, or its key is none.
    pub fn to_text(signature: &SshSignature) -> Result<String, Error> {
        if !signature.reserved.is_empty() {
            return Err(Error::Reserved);
        }
        let key = PublicKey::from_bytes(&signature.key)
            .map_err(|_| Error::Signature { problem: "its key accepts anything, or is none" })?;
        let form = match signature.hash {
            Hash::Sha512 => 0,
            Hash::Sha256 => 1,
        };
        let mut bytes = vec![form];
        bytes.extend(key.id().0.iter().take(HINT));
        bytes.extend(signature.signature);
        let mut text = String::new();
        for number in 0..GROUPS {
            let at = |index| five_bits(&bytes, 4 + (number * DATA + index) * 5);
            let data = [at(0), at(1), at(2), at(3)];
            text.extend(data.into_iter().chain([check(number, &data)]).map(symbol));
            text.push(if (number + 1) % IN_LINE == 0 { '\n' } else { ' ' });
        }
        Ok(text)
    }

    /// Whether this key has made it, for this challenge.
    pub fn holds(&self, key: &PublicKey, challenge: &Challenge) -> bool {
        challenge
            .messages()
            .iter()
            .any(|message| key.verifies(&self.hash.signed_bytes(&self.reserved, message), &self.signature))
    }
}

impl From<SshSignature> for Answer {
    fn from(signature: SshSignature) -> Self {
        let SshSignature { key, hash, reserved, signature } = signature;
        Self { by: By::Key(key), hash, reserved, signature }
    }
}

/// Puts five bits at bit `at`; there were zeros.
fn put_five(bytes: &mut [u8], at: usize, value: u8) {
    let [high, low] = (u16::from(value & 31) << (11 - at % 8)).to_be_bytes();
    for (index, part) in [(at / 8, high), (at / 8 + 1, low)] {
        if let Some(byte) = bytes.get_mut(index) {
            *byte |= part;
        }
    }
}
