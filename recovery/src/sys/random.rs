use nix::errno::Errno;
use nix::libc;
use std::io;

/// Fills the buffer with random bytes, and waits for as long as the kernel has not gathered entropy yet.
pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    fill(buffer, 0)
}

/// As [`random`], and [`io::ErrorKind::WouldBlock`] where it would wait.
pub fn random_at_once(buffer: &mut [u8]) -> io::Result<()> {
    fill(buffer, libc::GRND_NONBLOCK)
}

fn fill(buffer: &mut [u8], flags: libc::c_uint) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = &mut buffer[filled..];
        // SAFETY: getrandom writes at most `rest.len()` bytes to a valid slice.
        match Errno::result(unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), flags) }) {
            Ok(written) => filled += written.unsigned_abs(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}
