use drydock_bundle::tool::Failure;
use std::path::PathBuf;
use std::{fmt, io};

/// What can go wrong between an operator and a fleet, told for whoever runs the tool.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants' sentences are in Display, the fields are named in them")]
pub enum Error {
    /// The bundle, or a key that it is checked with.
    Bundle(drydock_bundle::Error),
    /// A channel, or its signatures.
    Channel(drydock_channel::Error),
    /// A file of the operator's could not be used.
    File { doing: &'static str, path: PathBuf, source: io::Error },
    /// What the caller wants can't be done.
    Input { what: String, problem: String },
    /// The server can't be reached, or not be trusted.
    Unreachable { doing: String, server: String, problem: String },
    /// The server refused, or its answer can't be read.
    Refused { doing: String, status: u16, problem: String },
    /// The server has something else under the name that is asked for.
    Conflict { doing: String, problem: String },
}

impl Failure for Error {
    /// Returns how the process ends with this error. `drydock-fleet --help` says what each number means.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Bundle(error) => error.exit_code(),
            Self::Channel(drydock_channel::Error::Signatures(_)) => 4,
            Self::Channel(_) => 3,
            Self::File { .. } | Self::Input { .. } => 1,
            Self::Unreachable { .. } | Self::Refused { .. } => 5,
            Self::Conflict { .. } => 6,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(error) => error.fmt(f),
            Self::Channel(error) => error.fmt(f),
            Self::File { doing, path, source } => write!(f, "{doing} {}: {source}", path.display()),
            Self::Input { what, problem } => write!(f, "{what}: {problem}"),
            Self::Unreachable { doing, server, problem } => write!(f, "{doing}: {server}: {problem}"),
            Self::Refused { doing, status, problem } => {
                write!(f, "{doing}: the server answered {status}: {problem}")
            }
            Self::Conflict { doing, problem } => write!(f, "{doing}: {problem}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bundle(error) => Some(error),
            Self::Channel(error) => Some(error),
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<drydock_bundle::Error> for Error {
    fn from(error: drydock_bundle::Error) -> Self {
        Self::Bundle(error)
    }
}

impl From<drydock_channel::Error> for Error {
    fn from(error: drydock_channel::Error) -> Self {
        Self::Channel(error)
    }
}

impl From<drydock_format::Error> for Error {
    fn from(error: drydock_format::Error) -> Self {
        Self::Bundle(error.into())
    }
}
