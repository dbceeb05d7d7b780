use nix::errno::Errno;
use nix::libc;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Loads a kernel module from an open file, without parameters, and runs its init function.
pub fn load_module(file: impl AsFd) -> io::Result<()> {
    // SAFETY: finit_module reads the NUL-terminated parameter string; the descriptor is open for the call.
    let done = unsafe { libc::syscall(libc::SYS_finit_module, file.as_fd().as_raw_fd(), c"".as_ptr(), 0) };
    Errno::result(done)?;
    Ok(())
}
