use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One of the two slot sets, or of the two copies of the recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetName {
    /// The set whose partitions' labels end in `-a`.
    #[default]
    A,
    /// The set whose partitions' labels end in `-b`.
    B,
}

impl SetName {
    /// Both sets, in the order of their names.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other set.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The GPT label of this set's partition of the given slot class.
    pub fn label(self, class: &str) -> String {
        format!("{class}-{self}")
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

impl FromStr for SetName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "a" => Ok(Self::A),
            "b" => Ok(Self::B),
            _ => Err(()),
        }
    }
}
