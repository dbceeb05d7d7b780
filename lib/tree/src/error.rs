use crate::limits::LIST;
use std::fmt;

/// What is wrong with a list of files, or with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The image does not begin with a list, or with one of a later format.
    NoList,
    /// The list is larger than one may be.
    TooLarge {
        /// Its length in bytes.
        size: u64,
    },
    /// A line of the list breaks a rule of the format.
    Line {
        /// Its number, from 1.
        number: usize,
        /// Which rule.
        problem: &'static str,
    },
    /// A pattern can't be one.
    Pattern {
        /// The pattern.
        text: String,
        /// Why not.
        problem: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoList => f.write_str(
                "the image has no list of files that this drydock can read; make it with `drydock-bundle tree`",
            ),
            Self::TooLarge { size } => {
                write!(f, "the image's list of files has {size} bytes, up to {} are possible", LIST)
            }
            Self::Line { number, problem } => {
                write!(f, "line {number} of the image's list of files: {problem}; make the image anew")
            }
            Self::Pattern { text, problem } => write!(f, "the pattern {text:?} {problem}"),
        }
    }
}

impl std::error::Error for Error {}
