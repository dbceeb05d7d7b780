use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest. In text it is 64 lower-case hex digits, and no other spelling is accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// What names a key: the SHA-256 of its DER SubjectPublicKeyInfo, as
/// `openssl pkey -pubin -in KEY -outform DER | sha256sum` prints it.
pub type KeyId = Digest;

/// The SHA-256 digest of some bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The SHA-256 digest of bytes that come piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Summing(Sha256);

impl Summing {
    /// The next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    pub fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = from_hex(text)?;
        bytes.try_into().map(Self).map_err(|_| "not 64 hex digits")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Decodes an even number of lower-case hex digits.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, &'static str> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err("not lower-case hex digits"),
    };
    if !text.len().is_multiple_of(2) {
        return Err("an odd number of hex digits");
    }
    text.as_bytes().chunks_exact(2).map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways_and_has_one_spelling() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), abc);
        assert_eq!(abc.parse(), Ok(sha256(b"abc")));
        assert!(abc.to_uppercase().parse::<Digest>().is_err());
        assert!(abc[2..].parse::<Digest>().is_err());
        assert!(abc[1..].parse::<Digest>().is_err());
        assert!("ä".repeat(32).parse::<Digest>().is_err());
    }
}
