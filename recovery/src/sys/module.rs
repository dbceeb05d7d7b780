use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Loads a kernel module from an open file with these parameters (`NAME=VALUE`, separated by blanks), and runs its init
/// function.
pub fn load_module(file: impl AsFd, parameters: &CStr) -> io::Result<()> {
    // SAFETY: finit_module reads the NUL-terminated parameter string; the descriptor is open for the call.
    let done =
        unsafe { libc::syscall(libc::SYS_finit_module, file.as_fd().as_raw_fd(), parameters.as_ptr(), 0) };
    Errno::result(done)?;
    Ok(())
}
