use std::{fmt, io};

/// Why the files of an image can't be told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The image could not be read.
    Read {
        /// What of it.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The filesystem contradicts itself, or what its kind allows.
    Damaged {
        /// What is wrong, and where.
        problem: String,
    },
    /// The filesystem has a feature that is not read here.
    Unsupported {
        /// Which one.
        feature: String,
    },
    /// There is more of something than is ever read of one image.
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much is read at most.
        limit: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DOING: &str = "reading the files of the image's filesystem";
        match self {
            Self::Read { what, source } => write!(f, "{DOING}: its {what}: {source}; check where it lies"),
            Self::Damaged { problem } => write!(f, "{DOING}: {problem}: it is damaged; make the image again"),
            Self::Unsupported { feature } => {
                write!(f, "{DOING}: {feature} is not known here; make the image without it")
            }
            Self::TooLarge { what, limit } => {
                write!(f, "{DOING}: it has more {what} than {limit}, the most that is read of an image")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The error for what contradicts itself.
pub(crate) fn damaged<T>(problem: impl Into<String>) -> Result<T, Error> {
    Err(Error::Damaged { problem: problem.into() })
}

/// The error for a feature that is not read here.
pub(crate) fn unsupported<T>(feature: impl Into<String>) -> Result<T, Error> {
    Err(Error::Unsupported { feature: feature.into() })
}
