use crate::Digest;
use crate::digest::from_hex;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// dm-verity's salt: at most 32 bytes. In text it is lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salt(Vec<u8>);

impl Salt {
    /// The bytes that go before every block.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The form that device-mapper's table and `veritysetup --salt` want: `-` stands for no salt.
    pub fn table_form(&self) -> String {
        if self.0.is_empty() { "-".into() } else { self.to_string() }
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Digest> for Salt {
    fn from(Digest(bytes): Digest) -> Self {
        Self(bytes.to_vec())
    }
}

impl FromStr for Salt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 64 {
            return Err("a salt of more than 64 hex digits");
        }
        from_hex(text).map(Self)
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
