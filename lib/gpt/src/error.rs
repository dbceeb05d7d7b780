use std::{fmt, io};

/// Why a partition table could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The disk could not be read.
    Io(io::Error),
    /// The disk has neither of the two headers: no partition table.
    None,
    /// Both tables are damaged.
    Damaged {
        /// What is wrong with the first.
        primary: String,
        /// What is wrong with the second.
        backup: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::None => f.write_str("there is no GUID partition table"),
            Self::Damaged { primary, backup } => {
                write!(f, "both copies are damaged (first: {primary}; backup: {backup})")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::None | Self::Damaged { .. } => None,
        }
    }
}
