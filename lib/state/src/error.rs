use std::fmt;

/// What went wrong with the state, or with what the bootloader is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What is kept on the disk can't be read, written or understood.
    Storage(drydock_block::Error),
    /// What was asked for is not possible in the present state.
    Refused(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}

impl From<drydock_block::Error> for Error {
    fn from(error: drydock_block::Error) -> Self {
        Self::Storage(error)
    }
}
