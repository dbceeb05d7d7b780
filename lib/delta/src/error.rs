use std::{fmt, io};

/// Why a delta can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The index does not keep the format's rules.
    Index {
        /// What is wrong.
        problem: String,
    },
    /// A section does not decode.
    Section {
        /// Which one.
        section: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The delta's own data could not be read.
    Data {
        /// Why.
        source: io::Error,
    },
    /// The base could not be read.
    Base {
        /// Where.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// Whoever takes the bytes wants no more.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { problem } => write!(f, "the delta's index is damaged: {problem}"),
            Self::Section { section, problem } => {
                write!(f, "section {section} of the delta is damaged: {problem}")
            }
            Self::Data { source } => write!(f, "the delta could not be read: {source}"),
            Self::Base { offset, source } => {
                write!(f, "the base of the delta could not be read at byte {offset}: {source}")
            }
            Self::Stopped => f.write_str("decoding the delta was stopped"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Base { source, .. } | Self::Data { source } => Some(source),
            Self::Index { .. } | Self::Section { .. } | Self::Stopped => None,
        }
    }
}
