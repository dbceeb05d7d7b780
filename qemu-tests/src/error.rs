use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What can go wrong while a guest runs. `Debug` says the same as `Display`, because `unwrap` and tests that
/// return a `Result` print the former.
pub enum QemuError {
    /// A file, a process or a socket of the harness failed.
    Io {
        /// What was being done.
        doing: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The guest did not say or do something in time.
    Timeout {
        /// What was waited for.
        wanted: String,
        /// How long.
        limit: Duration,
        /// The end of the serial log.
        tail: String,
        /// The whole log.
        log: PathBuf,
    },
    /// QEMU ended before the guest said something.
    Ended {
        /// What was waited for.
        wanted: String,
        /// How QEMU ended.
        status: ExitStatus,
        /// The end of the serial log, and what QEMU itself had to say.
        tail: String,
        /// The whole log.
        log: PathBuf,
    },
    /// A host program failed.
    Program {
        /// Its command line.
        command: String,
        /// What it printed.
        output: String,
    },
    /// QEMU's monitor refused a command.
    Monitor {
        /// The command.
        command: String,
        /// QEMU's answer.
        answer: String,
    },
}

impl QemuError {
    /// Makes an error from an I/O error; for `map_err`.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for QemuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Timeout { wanted, limit, tail, log } => {
                let limit = limit.as_secs_f32();
                write!(f, "no {wanted} within {limit} s; log {}, which ends in:\n{tail}", log.display())
            }
            Self::Ended { wanted, status, tail, log } => {
                write!(
                    f,
                    "QEMU ended ({status}) before {wanted}; log {}, which ends in:\n{tail}",
                    log.display()
                )
            }
            Self::Program { command, output } => write!(f, "`{command}` failed:\n{output}"),
            Self::Monitor { command, answer } => write!(f, "QEMU refused {command}: {answer}"),
        }
    }
}

impl fmt::Debug for QemuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for QemuError {}
