//! What the kernel's answers mean.

pub use drydock_engine::Error;
use nix::libc;
use std::io;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What the kernel's answer in an [`Error`] means.
pub trait Answer {
    /// Whether the kernel's answer is that of a disk that takes no writes: one that is read-only, or is worn out.
    fn refuses_writes(&self) -> bool;

    /// Whether the kernel's answer is that of a filesystem that is not as it should be.
    fn finds_damage(&self) -> bool;

    /// Whether there is no such file.
    fn is_absence(&self) -> bool;

    /// Whether this is the kernel's answer.
    fn is(&self, errno: i32) -> bool;
}

impl Answer for Error {
    fn refuses_writes(&self) -> bool {
        let errno = self.io().and_then(io::Error::raw_os_error);
        matches!(errno, Some(libc::EROFS | libc::EACCES | libc::EPERM | libc::EIO))
    }

    fn finds_damage(&self) -> bool {
        self.is(libc::EUCLEAN)
    }

    fn is_absence(&self) -> bool {
        self.is(libc::ENOENT) || self.is(libc::ENOTDIR)
    }

    fn is(&self, errno: i32) -> bool {
        self.io().and_then(io::Error::raw_os_error) == Some(errno)
    }
}
