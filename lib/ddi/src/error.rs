//! What can be wrong with what a server says.

use std::fmt;

/// Why an answer can't be used. It is no reason to change anything on the device: ask again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The answer is longer than any that is read.
    TooLong(usize),
    /// It is not JSON, or is nested too deep.
    Json(String),
    /// Something that is needed is not there, or is of another kind.
    Lacks(&'static str),
    /// A link leads where a device does not follow it.
    Link {
        /// The link.
        href: String,
        /// Why not.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => {
                write!(
                    f,
                    "the server's answer has {length} bytes and more, which no answer needs; see that the address is that of hawkBit"
                )
            }
            Self::Json(why) => {
                write!(
                    f,
                    "the server's answer is not JSON ({why}); see that the address is that of hawkBit, and what answers in its place"
                )
            }
            Self::Lacks(what) => {
                write!(f, "the server's answer has no {what}; see which version the server has")
            }
            Self::Link { href, why } => write!(f, "the server's link {href} is not followed: {why}"),
        }
    }
}

impl std::error::Error for Error {}
