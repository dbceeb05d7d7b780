use drydock_format::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A digest where there may be none, as the state keeps it: text, which is empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub enum MaybeDigest {
    /// There is none.
    #[default]
    None,
    /// A SHA-256 digest.
    Known(Digest),
    /// A later drydock's text that this one does not know. It is kept as it is, and is like itself only.
    Unknown(String),
}

impl MaybeDigest {
    /// Returns the digest, if this drydock knows it.
    pub fn known(&self) -> Option<Digest> {
        match self {
            Self::Known(digest) => Some(*digest),
            Self::None | Self::Unknown(_) => None,
        }
    }

    /// Returns whether there is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl fmt::Display for MaybeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Known(digest) => digest.fmt(f),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

impl From<Digest> for MaybeDigest {
    fn from(digest: Digest) -> Self {
        Self::Known(digest)
    }
}

impl From<String> for MaybeDigest {
    fn from(text: String) -> Self {
        match text.parse() {
            _ if text.is_empty() => Self::None,
            Ok(digest) => Self::Known(digest),
            Err(_) => Self::Unknown(text),
        }
    }
}

impl From<MaybeDigest> for String {
    fn from(digest: MaybeDigest) -> Self {
        digest.to_string()
    }
}
