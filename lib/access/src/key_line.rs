//! Public keys as OpenSSH writes them, a line each: `ssh-ed25519 AAAA… who@where`.

use crate::error::Error;
use crate::wire::{Foreign, Reader, named, put_named};
use base64ct::{Base64, Encoding};
use drydock_format::PublicKey;

/// The longest line in bytes that is looked at.
const MAX_LINE: usize = 1024;
/// The longest key in bytes that is looked at, to say of which kind it is.
const BLOB: usize = 256;

/// Reads the line of an Ed25519 public key, as `ssh-keygen` writes it into a file `.pub` (RFC 4253, 6.6; RFC 8709). What
/// follows the key is whatever its owner has written there, and is passed over.
///
/// # Errors
/// It is no such line; it has options before the key, which would mean nothing here; the key is of another kind, or one that
/// accepts anything.
pub fn parse_key_line(line: &str) -> Result<PublicKey, Error> {
    let bad = |problem| Err(Error::KeyLine { problem });
    let line = line.trim();
    if line.len() > MAX_LINE {
        return bad("it is far too long");
    }
    if line.contains(['\n', '\r']) {
        return bad("there is more than one line; name each key by itself");
    }
    if line.starts_with("-----BEGIN") {
        return bad(
            "it is a PEM file, and the line of an SSH public key is wanted (ssh-keygen -y prints it)",
        );
    }
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        Some("ssh-ed25519") => {}
        Some(kind) => return bad(other_kind(kind.as_bytes())),
        None => return bad("it is empty"),
    }
    let Some(text) = words.next() else { return bad("there is nothing after ssh-ed25519") };
    let mut room = [0; BLOB];
    let Ok(blob) = Base64::decode(text, &mut room) else {
        return bad("what follows ssh-ed25519 is not the base64 of an Ed25519 key");
    };
    match named::<32>(blob) {
        Ok(bytes) => PublicKey::from_bytes(bytes).map_err(|_| Error::KeyLine {
            problem: "it is a weak key that accepts anything, or none at all",
        }),
        Err(Foreign::Kind(kind)) => bad(other_kind(kind)),
        Err(Foreign::Damaged) => bad("what follows ssh-ed25519 is damaged"),
    }
}

/// Returns the line of a key, without a comment and a line end.
pub fn to_key_line(key: &PublicKey) -> String {
    let mut blob = Vec::new();
    put_named(&mut blob, key.as_bytes());
    // Here the key stands by itself, without a length around it.
    let mut reader = Reader(&blob);
    let inner = reader.string().unwrap_or_default();
    format!("ssh-ed25519 {}", Base64::encode_string(inner))
}

/// What is said of a key that is of another kind.
pub(crate) fn other_kind(kind: &[u8]) -> &'static str {
    match kind {
        b"ssh-rsa" | b"rsa-sha2-256" | b"rsa-sha2-512" => {
            "it is an RSA key; only ssh-ed25519 is taken (ssh-keygen -t ed25519)"
        }
        b"ssh-dss" => "it is a DSA key; only ssh-ed25519 is taken (ssh-keygen -t ed25519)",
        kind if kind.starts_with(b"sk-") => {
            "it is a key in a token that signs more than it is given (sk-…); only plain ssh-ed25519 is taken"
        }
        kind if kind.starts_with(b"ecdsa-") => {
            "it is an ECDSA key; only ssh-ed25519 is taken (ssh-keygen -t ed25519)"
        }
        kind if kind.windows(5).any(|part| part == b"-cert") => {
            "it is a certificate; only a plain ssh-ed25519 key is taken"
        }
        _ => "it does not begin with ssh-ed25519: only such keys are taken, and no options before them",
    }
}
