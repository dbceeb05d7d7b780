//! How often keys of technicians have been used: kept in the record, so that it is one with the history.

use crate::later::Later;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// For so many keys it is kept how often they were used; beyond that those that are not configured any more are forgotten.
pub const USES_LIMIT: usize = 64;

/// What field service leaves in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Service {
    /// How often each key was used, by its id.
    #[serde(default, skip_serializing_if = "Later::is_empty")]
    uses: Later,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

impl Service {
    /// Reads one. What is not understood is kept as it is, and no key that is counted is let in by it.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(drydock_json::from_value(&value).unwrap_or_else(|_| Self {
            later: value.as_object().cloned().unwrap_or_default(),
            uses: Later::new(),
        }))
    }

    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns how often the key with this id was used. A count in a later drydock's words is the highest there is: nobody is
    /// let in for want of understanding.
    pub fn used(&self, key: &str) -> u32 {
        if self.later.contains_key("uses") {
            return u32::MAX;
        }
        self.uses
            .get(key)
            .map_or(0, |count| count.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(u32::MAX))
    }

    /// Counts a use of the key with this id. `configured` says which keys there are, for when there is no room for more.
    pub fn count(&mut self, key: &str, configured: impl Fn(&str) -> bool) {
        let used = self.used(key).saturating_add(1);
        self.uses.insert(key.into(), used.into());
        if self.uses.len() > USES_LIMIT {
            self.uses.retain(|other, _| other == key || configured(other));
        }
    }
}
