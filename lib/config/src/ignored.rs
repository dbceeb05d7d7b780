//! What a build without the network, the agent, field service or trees of files passes over.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// A part of the configuration that may say anything, and means nothing here. The reader of the real one would be a
/// fiftieth of the device binary.
#[cfg(not(all(feature = "fleet", feature = "lan", feature = "files")))]
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignored;

#[cfg(not(all(feature = "fleet", feature = "lan", feature = "files")))]
impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Whether a list has anything in it that this build should obey, and can't.
#[cfg(not(feature = "hooks"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lacked {
    /// It is empty.
    #[default]
    Nothing,
    /// It is not.
    Something,
}

#[cfg(not(feature = "hooks"))]
impl<'de> Deserialize<'de> for Lacked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<IgnoredAny>::deserialize(deserializer)?;
        Ok(if all.is_empty() { Self::Nothing } else { Self::Something })
    }
}
