//! What can be wrong with a configuration.

use std::path::PathBuf;

/// Why a configuration was refused.
#[derive(Debug)]
pub enum Error {
    /// The config file could not be read.
    Read(PathBuf, std::io::Error),
    /// The config file says something that can't be right: every fault found, each with its place.
    Invalid(Vec<Fault>),
}

/// One fault in a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// Line and column, from 1, where the fault can be pinned to a place.
    pub place: Option<(usize, usize)>,
    /// The text of that line.
    pub line: String,
    /// Number of characters from the column on that are meant; at least 1.
    pub width: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((line, column)) = self.place else {
            return write!(f, "{}: {}", self.file.display(), self.message);
        };
        let gutter = " ".repeat(line.to_string().len());
        writeln!(f, "{}:{line}:{column}: {}", self.file.display(), self.message)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{line} | {}", self.line)?;
        write!(f, "{gutter} | {}{}", " ".repeat(column - 1), "^".repeat(self.width))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path, error) => {
                write!(f, "reading the config file {}: {error}; check the path", path.display())
            }
            Self::Invalid(faults) => {
                for (index, fault) in faults.iter().enumerate() {
                    if index > 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{fault}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(_, error) => Some(error),
            Self::Invalid(_) => None,
        }
    }
}
