use std::io;
use std::os::fd::{AsFd, AsRawFd};

mod raw {
    nix::ioctl_write_ptr!(resize, b'f', 16, u64);
}

/// Grows a mounted ext4 filesystem to `blocks` of its blocks. `mount_point` is any open file or directory on it.
pub fn resize_ext4(mount_point: impl AsFd, blocks: u64) -> io::Result<()> {
    // SAFETY: EXT4_IOC_RESIZE_FS reads one u64 from the pointer, which is valid for the call.
    unsafe { raw::resize(mount_point.as_fd().as_raw_fd(), &blocks) }?;
    Ok(())
}
