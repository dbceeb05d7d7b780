//! What is there twice, by its name: the two slot sets, and the recovery's two copies. One is never taken for the other.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A type with the names `a` and `b`.
macro_rules! a_and_b {
    ($(#[$of_type:meta])* $name:ident, $(#[$of_a:meta])* A, $(#[$of_b:meta])* B) => {
        $(#[$of_type])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $(#[$of_a])*
            #[default]
            A,
            $(#[$of_b])*
            B,
        }

        impl $name {
            /// Both, in the order of their names.
            pub const BOTH: [Self; 2] = [Self::A, Self::B];

            /// Returns the other one.
            #[must_use]
            pub fn other(self) -> Self {
                match self {
                    Self::A => Self::B,
                    Self::B => Self::A,
                }
            }

            /// Returns the GPT label of its partition of the given slot class.
            pub fn label(self, class: &str) -> String {
                format!("{class}-{self}")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Self::A => "a",
                    Self::B => "b",
                })
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    "a" => Ok(Self::A),
                    "b" => Ok(Self::B),
                    _ => Err(()),
                }
            }
        }
    };
}

a_and_b! {
    /// One of the two slot sets.
    SetName,
    /// The set whose partitions' labels end in `-a`.
    A,
    /// The set whose partitions' labels end in `-b`.
    B
}

a_and_b! {
    /// One of the recovery's own two copies.
    CopyName,
    /// The copy in the partition `recovery-a`.
    A,
    /// The copy in the partition `recovery-b`.
    B
}

/// Which of its class a slot is: of a set, or a copy of the recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SlotName {
    /// The set's.
    Set(SetName),
    /// The slot that holds this copy.
    Copy(CopyName),
}

impl SlotName {
    /// Returns the GPT label of its partition of the given slot class.
    pub fn label(self, class: &str) -> String {
        match self {
            Self::Set(set) => set.label(class),
            Self::Copy(copy) => copy.label(class),
        }
    }

    /// Returns the other slot of the same class.
    pub fn other(self) -> Self {
        match self {
            Self::Set(set) => Self::Set(set.other()),
            Self::Copy(copy) => Self::Copy(copy.other()),
        }
    }
}

impl From<SetName> for SlotName {
    fn from(set: SetName) -> Self {
        Self::Set(set)
    }
}

impl From<CopyName> for SlotName {
    fn from(copy: CopyName) -> Self {
        Self::Copy(copy)
    }
}
