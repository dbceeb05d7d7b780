use std::{fmt, io};

/// Why no delta could be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An image could not be read.
    Read {
        /// Which one.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The suffixes of a file could not be sorted.
    Sort {
        /// The file's length in bytes.
        len: usize,
        /// Why.
        problem: String,
    },
    /// zstd would not compress.
    Compress {
        /// zstd's word for it.
        problem: &'static str,
    },
    /// LZMA would not compress.
    Pack {
        /// Its word for it.
        problem: String,
    },
    /// What was made does not lead to the target: a defect of the differ.
    Defect {
        /// What was found.
        problem: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { what, source } => write!(f, "reading the {what} image failed: {source}"),
            Self::Sort { len, problem } => {
                write!(f, "sorting {len} bytes failed: {problem}; more memory may help")
            }
            Self::Compress { problem } => write!(f, "compressing a part of the delta failed: {problem}"),
            Self::Pack { problem } => write!(f, "compressing a part of the delta failed: {problem}"),
            Self::Defect { problem } => {
                write!(f, "the delta does not lead to the new image ({problem}); please report this defect")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Sort { .. } | Self::Pack { .. } | Self::Compress { .. } | Self::Defect { .. } => None,
        }
    }
}
