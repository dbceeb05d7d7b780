//! What can go wrong while building an initramfs.

use drydock_config_load::ConfigText;
use std::io;
use std::path::{Path, PathBuf};

/// Why no initramfs came out, or why one could not be looked into.
#[derive(Debug)]
pub enum Error {
    /// The config file is at fault; the message points at the line.
    Config(drydock_config_load::Error),
    /// The configuration could not be written in the form that a device reads.
    Encoding(drydock_config::Error),
    /// A file could not be read or written.
    Io {
        /// What was being done, as in "read the module list".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file has the wrong content.
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do about it.
        why: String,
    },
    /// Compressing or decompressing with zstd failed.
    Zstd(&'static str),
    /// Compressing or decompressing with xz failed.
    Xz(io::Error),
}

impl Error {
    pub(crate) fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |error| Self::Io { doing, path: path.into(), error }
    }

    /// A fault of the config file: its key, and what is wrong with that.
    pub(crate) fn fault(text: &ConfigText, at: &str, message: &str) -> Self {
        drydock_config_load::Error::Invalid(vec![text.fault(at, message)]).into()
    }

    pub(crate) fn unusable(path: &Path, why: impl Into<String>) -> Self {
        Self::Unusable { path: path.into(), why: why.into() }
    }
}

impl From<drydock_config::Error> for Error {
    fn from(error: drydock_config::Error) -> Self {
        Self::Encoding(error)
    }
}

impl From<drydock_config_load::Error> for Error {
    fn from(error: drydock_config_load::Error) -> Self {
        Self::Config(error)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Encoding(error) => error.fmt(f),
            Self::Io { doing, path, error } => write!(f, "{doing} {}: {error}", path.display()),
            Self::Unusable { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Zstd(what) => write!(f, "zstd: {what}"),
            Self::Xz(error) => write!(f, "xz: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Encoding(error) => Some(error),
            Self::Io { error, .. } | Self::Xz(error) => Some(error),
            Self::Unusable { .. } | Self::Zstd(_) => None,
        }
    }
}
