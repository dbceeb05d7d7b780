use std::io;
use std::os::fd::{AsFd, AsRawFd};

mod raw {
    nix::ioctl_read_bad!(output_queue, nix::libc::TIOCOUTQ, nix::libc::c_int);
}

/// How many bytes a terminal has taken but not sent yet.
pub fn unsent(terminal: impl AsFd) -> io::Result<usize> {
    let mut bytes = 0;
    // SAFETY: TIOCOUTQ writes one int to the pointer, which is valid for the call.
    unsafe { raw::output_queue(terminal.as_fd().as_raw_fd(), &mut bytes) }?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}
