//! What can be wrong with packed bytes.

use std::{fmt, io};

/// Why bytes could not be unpacked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The packed bytes could not be read.
    Read(io::Error),
    /// There is no such packing; a later version of drydock may know it.
    Packing {
        /// What was said instead of one.
        code: [u8; 2],
    },
    /// The packed bytes are damaged, or packed in another way.
    Damaged {
        /// What was found.
        problem: &'static str,
    },
    /// The packed bytes hold more or fewer bytes than they should.
    Length {
        /// How many there should be.
        expected: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "reading packed bytes: {error}"),
            Self::Packing { code: [kind, level] } => {
                write!(f, "packing {kind} with level {level} is not known here; use a newer drydock")
            }
            Self::Damaged { problem } => write!(f, "unpacking: {problem}; the packed bytes are damaged"),
            Self::Length { expected } => {
                write!(f, "unpacking: there are not {expected} bytes in it; the packed bytes are damaged")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Packing { .. } | Self::Damaged { .. } | Self::Length { .. } => None,
        }
    }
}
