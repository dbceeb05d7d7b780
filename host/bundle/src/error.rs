use crate::tool::Failure;
use std::path::PathBuf;
use std::{fmt, io};

/// What can go wrong while a bundle is made, signed or shown, told for whoever runs the tool.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants' sentences are in Display, the fields are named in them")]
pub enum Error {
    /// The bundle itself.
    Bundle(drydock_format::Error),
    /// A file on the build host could not be used.
    File { doing: &'static str, path: PathBuf, source: io::Error },
    /// What the caller wants in a bundle cannot be in one.
    Input { what: String, problem: String },
    /// A delta could not be made.
    Delta { from: PathBuf, to: String, problem: String },
    /// A key file is not what it should be.
    KeyFile { path: PathBuf, problem: String },
}

impl Failure for Error {
    /// Returns how a tool's process ends with this error: 3 for a bundle that is damaged or breaks the format's rules, 4 for
    /// signatures that are missing, wrong, too few, or of unknown keys, 1 for everything else.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Bundle(error) => code_of(error),
            _ => 1,
        }
    }
}

fn code_of(error: &drydock_format::Error) -> u8 {
    use drydock_format::Error as Bundle;
    match error {
        Bundle::Supplement(why) => code_of(why),
        Bundle::Read { .. } | Bundle::SignaturesFull | Bundle::BadKey { .. } | Bundle::NoSuchImage { .. } => {
            1
        }
        Bundle::SignatureMissing
        | Bundle::SignatureLine { .. }
        | Bundle::UnknownKeys { .. }
        | Bundle::BadSignature { .. }
        | Bundle::TooFewSignatures { .. }
        | Bundle::BadThreshold { .. } => 4,
        _ => 3,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(error) => error.fmt(f),
            Self::File { doing, path, source } => write!(f, "{doing} {}: {source}", path.display()),
            Self::Input { what, problem } => write!(f, "{what}: {problem}"),
            Self::Delta { from, to, problem } => {
                write!(f, "making the delta from {} to image {to}: {problem}", from.display())
            }
            Self::KeyFile { path, problem } => write!(f, "reading the key {}: {problem}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bundle(error) => Some(error),
            Self::File { source, .. } => Some(source),
            Self::Input { .. } | Self::Delta { .. } | Self::KeyFile { .. } => None,
        }
    }
}

impl From<drydock_format::Error> for Error {
    fn from(error: drydock_format::Error) -> Self {
        Self::Bundle(error)
    }
}
