use std::fmt;
use std::io;

/// What went wrong with a structure that drydock keeps on a block device: the state, the boot environment, a trailer,
/// the stash.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The device could not be read. Unreadable is not the same as damaged: what is there may be whole.
    Read {
        /// What was being read.
        what: &'static str,
        /// The device's answer.
        source: io::Error,
    },
    /// The device could not be written or flushed.
    Write {
        /// What was being written.
        what: &'static str,
        /// The device's answer.
        source: io::Error,
    },
    /// What was read back is not what was written.
    ReadBack {
        /// What was being written.
        what: &'static str,
    },
    /// There is none.
    Absent {
        /// What is not there.
        what: &'static str,
    },
    /// It was written by a later drydock than this one.
    LaterVersion {
        /// What it is.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The newest version that this drydock understands.
        known: u32,
    },
    /// It is not what it should be.
    Damaged {
        /// What it is.
        what: &'static str,
        /// Why it was not accepted.
        why: String,
    },
    /// It does not fit into its place.
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The room for it in bytes.
        room: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { what, source } => {
                write!(f, "reading the {what} failed: {source}; check the disk")
            }
            Self::Write { what, source } => write!(f, "writing the {what} failed: {source}; check the disk"),
            Self::ReadBack { what } => {
                write!(
                    f,
                    "the {what} read back differs from what was written; the disk is not to be trusted, replace it"
                )
            }
            Self::Absent { what } => write!(f, "the {what} is missing"),
            Self::LaterVersion { what, found, known } => write!(
                f,
                "the {what} has format version {found}, this drydock knows up to {known}; boot the recovery that came with the newer system"
            ),
            Self::Damaged { what, why } => write!(f, "the {what} is damaged: {why}"),
            Self::TooLarge { what, size, room } => {
                write!(f, "the {what} needs {size} bytes and there is room for {room}; enlarge the partition")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
