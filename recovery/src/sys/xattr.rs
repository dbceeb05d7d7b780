use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The longest value, and the longest list of names, that Linux has (xattr(7)).
const LONGEST: usize = 64 << 10;

/// Returns the names of a file's extended attributes, each ended by a zero byte; none where the filesystem has no such thing.
pub fn list_xattrs(file: impl AsFd) -> io::Result<Vec<u8>> {
    let mut names = vec![0; LONGEST];
    // SAFETY: the buffer is valid for writes of its length, for as long as the call.
    let len = unsafe { libc::flistxattr(file.as_fd().as_raw_fd(), names.as_mut_ptr().cast(), names.len()) };
    match Errno::result(len) {
        Ok(len) => names.truncate(len.unsigned_abs()),
        Err(Errno::EOPNOTSUPP) => names.clear(),
        Err(errno) => return Err(errno.into()),
    }
    Ok(names)
}

/// Returns the value of an extended attribute.
pub fn get_xattr(file: impl AsFd, name: &CStr) -> io::Result<Vec<u8>> {
    let mut value = vec![0; LONGEST];
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: the name ends with a zero byte, and the buffer is valid for writes of its length, for as long as the call.
    let len = unsafe { libc::fgetxattr(fd, name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(Errno::result(len)?.unsigned_abs());
    Ok(value)
}

/// Sets an extended attribute.
pub fn set_xattr(file: impl AsFd, name: &CStr, value: &[u8]) -> io::Result<()> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: the name ends with a zero byte, and the value is valid for reads of its length, for as long as the call.
    let done = unsafe { libc::fsetxattr(fd, name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(done)?;
    Ok(())
}

/// Takes an extended attribute away.
pub fn remove_xattr(file: impl AsFd, name: &CStr) -> io::Result<()> {
    // SAFETY: the name ends with a zero byte, and is valid for as long as the call.
    let done = unsafe { libc::fremovexattr(file.as_fd().as_raw_fd(), name.as_ptr()) };
    Errno::result(done)?;
    Ok(())
}
