//! What a build without the network, the agent, field service or trees of files passes over.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// A part of the configuration that may say anything, and means nothing here. The reader of the real one would be a
/// fiftieth of the device binary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
