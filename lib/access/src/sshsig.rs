//! Signatures as `ssh-keygen -Y sign` makes them (OpenSSH's PROTOCOL.sshsig).

use crate::error::Error;
use crate::key_line::other_kind;
use crate::limits::NAMESPACE;
use crate::wire::{Foreign, Reader, named, put, put_named};
use base64ct::{Base64, Encoding};
use drydock_format::PublicKey;
use sha2::{Digest as _, Sha256, Sha512};

const MAGIC: &[u8; 6] = b"SSHSIG";
const VERSION: u32 = 1;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// So many characters of base64 stand in a line of the armor.
const LINE: usize = 70;

/// What the message is hashed with before it is signed: all that the specification allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// What `ssh-keygen` takes where nothing is said.
    Sha512,
    /// With `-O hashalg=sha256`.
    Sha256,
}

impl Hash {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Sha512 => b"sha512",
            Self::Sha256 => b"sha256",
        }
    }

    /// Returns the bytes that Ed25519 signs, for a message in the namespace of this crate.
    ///
    /// `reserved` is for what is to come: it means nothing, and is signed along.
    pub fn signed_bytes(self, reserved: &[u8], message: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, NAMESPACE.as_bytes());
        put(&mut bytes, reserved);
        put(&mut bytes, self.name());
        match self {
            Self::Sha512 => put(&mut bytes, &Sha512::digest(message)),
            Self::Sha256 => put(&mut bytes, &Sha256::digest(message)),
        }
        bytes
    }
}

/// A signature of an Ed25519 key in the namespace of this crate. Nothing of it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSignature {
    /// The 32 bytes of the key that it claims to be of.
    pub key: [u8; 32],
    /// What the message was hashed with.
    pub hash: Hash,
    /// What is signed along and means nothing.
    pub reserved: Vec<u8>,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
}

impl SshSignature {
    /// Whether this text has the armor of such a signature, whatever is in it. White space does not matter.
    pub(crate) fn is_in(squeezed: &str) -> bool {
        squeezed.contains(&squeeze(BEGIN))
    }

    /// Reads what stands between the lines `BEGIN SSH SIGNATURE` and `END SSH SIGNATURE`. Line breaks and other white space
    /// may be anywhere, or nowhere; what is around the two lines is passed over.
    ///
    /// # Errors
    /// It is not whole, is for another namespace, was made with another kind of key, or in a way that is not known here.
    pub fn from_armor(text: &str) -> Result<Self, Error> {
        let text = squeeze(text);
        let inside = text.split_once(&squeeze(BEGIN)).map(|(_, rest)| rest);
        let Some(inside) = inside else { return damaged("there is no line BEGIN SSH SIGNATURE") };
        let Some((base64, _)) = inside.split_once(&squeeze(END)) else {
            return damaged("the line END SSH SIGNATURE is missing");
        };
        match Base64::decode_vec(base64) {
            Ok(blob) => Self::from_blob(&blob),
            Err(_) => damaged("characters are missing, or wrong"),
        }
    }

    /// Reads one without its armor.
    ///
    /// # Errors
    /// As for [`from_armor`](Self::from_armor).
    pub fn from_blob(blob: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(blob);
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return damaged("it does not begin as one");
        }
        if reader.number() != Some(VERSION) {
            return damaged("it is of a version that is not known here");
        }
        let parts = [(); 5].map(|()| reader.string());
        let [Some(key), Some(namespace), Some(reserved), Some(hash), Some(signature)] = parts else {
            return damaged("it ends too early");
        };
        if !reader.0.is_empty() {
            return damaged("something follows it");
        }
        let kind = |foreign| match foreign {
            Foreign::Kind(kind) => Error::SignatureKind { problem: other_kind(kind) },
            Foreign::Damaged => Error::Signature { problem: "its key or what it signs with is damaged" },
        };
        let key = *named::<32>(key).map_err(kind)?;
        if namespace != NAMESPACE.as_bytes() {
            return Err(Error::Namespace);
        }
        let hash = match hash {
            b"sha512" => Hash::Sha512,
            b"sha256" => Hash::Sha256,
            _ => return damaged("it names a hash that is neither sha512 nor sha256"),
        };
        let signature = *named::<64>(signature).map_err(kind)?;
        Ok(Self { key, hash, reserved: reserved.to_vec(), signature })
    }

    /// Returns it without its armor.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = MAGIC.to_vec();
        blob.extend(VERSION.to_be_bytes());
        put_named(&mut blob, &self.key);
        put(&mut blob, NAMESPACE.as_bytes());
        put(&mut blob, &self.reserved);
        put(&mut blob, self.hash.name());
        put_named(&mut blob, &self.signature);
        blob
    }

    /// Returns it as `ssh-keygen -Y sign` writes it.
    pub fn to_armor(&self) -> String {
        let base64 = Base64::encode_string(&self.to_blob());
        let mut text = format!("{BEGIN}\n");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(LINE));
            text += line;
            text.push('\n');
            rest = more;
        }
        text + END + "\n"
    }

    /// Whether its key has made it over this message.
    pub fn holds(&self, message: &[u8]) -> bool {
        let signed = self.hash.signed_bytes(&self.reserved, message);
        PublicKey::from_bytes(&self.key).is_ok_and(|key| key.verifies(&signed, &self.signature))
    }
}

/// Returns a text without its white space and control characters.
pub(crate) fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

fn damaged<T>(problem: &'static str) -> Result<T, Error> {
    Err(Error::Signature { problem })
}
