//! Signatures over the exact bytes of `manifest.json`.
//!
//! `manifest.sig` always has 4096 bytes, so that a signature can be added without moving anything: lines
//! `v1 ed25519 KEYID BASE64`, then newlines to the end. A line of another version or algorithm is skipped, so
//! that later kinds can stand beside these.

use crate::{Digest, Error, KeyId, sha256};
use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use std::fmt;
use std::str::FromStr;

/// The size of `manifest.sig` in bytes.
pub const MEMBER_SIZE: usize = 4096;

/// What stands before the key's 32 bytes in the DER SubjectPublicKeyInfo of an Ed25519 key (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// An Ed25519 public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the 32 bytes of a key. Keys of small order, which would accept any message, are refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            Ok(_) => Err(Error::BadKey { problem: "a weak key that accepts anything".into() }),
            Err(_) => Err(Error::BadKey { problem: "not a point of the curve".into() }),
        }
    }

    /// The key's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// What names this key in `manifest.sig`.
    pub fn id(&self) -> KeyId {
        sha256(&[&SPKI[..], self.as_bytes()].concat())
    }

    /// Whether this key made `signature` over exactly `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// The key as 64 hex digits, the form that the device's configuration has.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest(*self.as_bytes()).fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Digest(bytes) =
            text.parse().map_err(|problem: &str| Error::BadKey { problem: problem.into() })?;
        Self::from_bytes(&bytes)
    }
}

/// Who may sign, and how many of them must.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The keys; the same one twice counts once.
    pub keys: Vec<PublicKey>,
    /// How many distinct keys must have signed, at least one.
    pub threshold: u32,
}

/// One line of `manifest.sig` that this version understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose signature it claims to be.
    pub key: KeyId,
    /// The Ed25519 signature (RFC 8032, pure).
    pub signature: [u8; 64],
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1 ed25519 {} {}", self.key, Base64::encode_string(&self.signature))
    }
}

/// Takes one line apart; `None` is one of another version or algorithm.
fn parse_line(line: &[u8]) -> Result<Option<Line>, &'static str> {
    let line = str::from_utf8(line).map_err(|_| "not ASCII")?;
    if !line.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err("not printable ASCII");
    }
    let fields: Vec<&str> = line.split(' ').collect();
    let version = fields.first().and_then(|first| first.strip_prefix('v')).unwrap_or_default();
    if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
        return Err("does not begin with a version");
    }
    match fields[..] {
        ["v1", "ed25519", key, signature] => {
            let key = key.parse().map_err(|_| "the key id is not 64 lower-case hex digits")?;
            let mut bytes = [0; 64];
            let decoded = Base64::decode(signature, &mut bytes).map_or(0, <[u8]>::len);
            if decoded != bytes.len() {
                return Err("the signature is not the base64 of 64 bytes");
            }
            Ok(Some(Line { key, signature: bytes }))
        }
        ["v1", "ed25519", ..] | ["v1"] => Err("not of the form `v1 ed25519 KEYID BASE64`"),
        _ => Ok(None),
    }
}

/// All lines of `manifest.sig` that this version understands. Blank lines may stand only at the end.
pub fn parse(member: &[u8]) -> Result<Vec<Line>, Error> {
    let end = member.iter().rposition(|&b| b != b'\n').map_or(0, |last| last + 1);
    let text = &member[..end];
    let mut lines = Vec::new();
    if text.is_empty() {
        return Ok(lines);
    }
    for (number, line) in (1..).zip(text.split(|&b| b == b'\n')) {
        let parsed = parse_line(line).map_err(|problem| Error::SignatureLine { line: number, problem })?;
        lines.extend(parsed);
    }
    Ok(lines)
}

/// Checks the signatures in `member` over the exact bytes of `manifest`, and returns which trusted keys have
/// signed: at least `threshold` distinct ones. A trusted key's line that does not verify is an error, even if
/// there are enough others.
pub fn verify(manifest: &[u8], member: &[u8], trusted: &Trusted) -> Result<Vec<KeyId>, Error> {
    let lines = parse(member)?;
    if lines.is_empty() {
        return Err(Error::SignatureMissing);
    }
    let keys: Vec<(KeyId, &PublicKey)> = trusted.keys.iter().map(|key| (key.id(), key)).collect();
    let mut signed = Vec::new();
    for line in &lines {
        let Some((id, key)) = keys.iter().find(|(id, _)| *id == line.key) else { continue };
        if !key.verifies(manifest, &line.signature) {
            return Err(Error::BadSignature { key: *id });
        }
        if !signed.contains(id) {
            signed.push(*id);
        }
    }
    let mut distinct: Vec<KeyId> = Vec::new();
    for (id, _) in &keys {
        if !distinct.contains(id) {
            distinct.push(*id);
        }
    }
    let Trusted { threshold, .. } = *trusted;
    if threshold == 0 || threshold as usize > distinct.len() {
        return Err(Error::BadThreshold { threshold, keys: distinct.len() });
    }
    match signed.len() {
        0 => Err(Error::UnknownKeys { found: lines.iter().map(|line| line.key).collect() }),
        valid if valid < threshold as usize => Err(Error::TooFewSignatures { valid, threshold }),
        _ => Ok(signed),
    }
}

/// Adds a line to `member`, in place of what that key has there already. Lines that are not understood stay.
pub fn add(member: &[u8], line: &Line) -> Result<Vec<u8>, Error> {
    parse(member)?;
    let own = |old: &&[u8]| old.is_empty() || matches!(parse_line(old), Ok(Some(l)) if l.key == line.key);
    let mut lines: Vec<&[u8]> = member.split(|&b| b == b'\n').filter(|old| !own(old)).collect();
    let new = line.to_string();
    lines.push(new.as_bytes());
    let mut bytes = lines.join(&b'\n');
    if bytes.len() >= MEMBER_SIZE {
        return Err(Error::SignaturesFull);
    }
    bytes.resize(MEMBER_SIZE, b'\n');
    Ok(bytes)
}
