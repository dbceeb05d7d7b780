//! What can go wrong here.

use super::choice::Refusal;
use nix::libc;
use std::{fmt, io};

/// What went wrong at the edge between drydock and the machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused something.
    System {
        /// What was being done, and to what.
        doing: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// No disk could be chosen.
    Disk(Refusal),
    /// A partition that the configuration names is missing from our disk, or is there twice.
    Partition {
        /// The partition's label.
        label: String,
        /// The disk's node.
        disk: String,
        /// How many partitions have that label.
        found: usize,
    },
    /// A LUKS volume could not be opened or made.
    Luks {
        /// What was being done, and to what.
        doing: String,
        /// What is wrong with it.
        source: drydock_luks::Error,
    },
    /// No key opens a volume.
    Locked {
        /// The volume's label.
        volume: String,
        /// Why each of the configured ways led nowhere.
        reasons: Vec<String>,
    },
    /// Another process has been changing the state for too long.
    Busy {
        /// Who.
        holder: String,
        /// How long was waited for it.
        seconds: u64,
    },
    /// Something is not as it must be.
    Unusable(String),
}

impl Error {
    /// For `map_err`: joins what was being done with the kernel's answer.
    pub fn doing(doing: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.to_string();
        move |source| Self::System { doing, source }
    }

    /// Whether the kernel's answer is that of a disk that takes no writes: one that is read-only, or is worn out.
    pub fn refuses_writes(&self) -> bool {
        let errno = self.io().and_then(io::Error::raw_os_error);
        matches!(errno, Some(libc::EROFS | libc::EACCES | libc::EPERM | libc::EIO))
    }

    /// Whether the kernel's answer is that of a filesystem that is not as it should be.
    pub fn finds_damage(&self) -> bool {
        self.is(libc::EUCLEAN)
    }

    /// Whether there is no such file.
    pub fn is_absence(&self) -> bool {
        self.is(libc::ENOENT) || self.is(libc::ENOTDIR)
    }

    /// Whether this is the kernel's answer.
    pub fn is(&self, errno: i32) -> bool {
        self.io().and_then(io::Error::raw_os_error) == Some(errno)
    }

    /// The kernel's answer, where that is the reason.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { doing, source } => write!(f, "{doing}: {source}"),
            Self::Disk(refusal) => refusal.fmt(f),
            Self::Partition { label, disk, found: 0 } => {
                write!(f, "{disk} has no partition `{label}`; write the disk image anew or correct the label")
            }
            Self::Partition { label, disk, found } => {
                write!(
                    f,
                    "{disk} has {found} partitions `{label}`; none is used until the others are renamed"
                )
            }
            Self::Luks { doing, source } => write!(f, "{doing}: {source}"),
            Self::Locked { volume, reasons } if reasons.is_empty() => {
                write!(f, "`{volume}` is locked, and the configuration names no way to its key")
            }
            Self::Locked { volume, reasons } => {
                write!(f, "`{volume}` stays locked: {}; provide its key", reasons.join("; "))
            }
            Self::Busy { holder, seconds } => write!(
                f,
                "the state is being changed by {holder}, and was for all of {seconds} s; end it if it hangs, and try again"
            ),
            Self::Unusable(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            Self::Luks { source, .. } => Some(source),
            Self::Disk(_)
            | Self::Partition { .. }
            | Self::Locked { .. }
            | Self::Busy { .. }
            | Self::Unusable(_) => None,
        }
    }
}

/// The result of everything in [`device`](crate::device).
pub type Result<T> = std::result::Result<T, Error>;
