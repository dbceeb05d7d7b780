use nix::libc;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// `struct watchdog_info` of linux/watchdog.h.
#[repr(C)]
pub(super) struct Info {
    options: u32,
    firmware_version: u32,
    identity: [u8; 32],
}

mod raw {
    nix::ioctl_read!(support, b'W', 0, super::Info);
    nix::ioctl_readwrite!(set_timeout, b'W', 6, nix::libc::c_int);
}

/// The name that a watchdog's driver gives itself.
pub fn watchdog_identity(watchdog: impl AsFd) -> io::Result<String> {
    let mut info = Info { options: 0, firmware_version: 0, identity: [0; 32] };
    // SAFETY: WDIOC_GETSUPPORT fills one struct watchdog_info, whose layout `Info` has.
    unsafe { raw::support(watchdog.as_fd().as_raw_fd(), &mut info) }?;
    let end = info.identity.iter().position(|&b| b == 0).unwrap_or(info.identity.len());
    Ok(String::from_utf8_lossy(&info.identity[..end]).into_owned())
}

/// Asks for a timeout in seconds and returns the one that the hardware took.
pub fn set_watchdog_timeout(watchdog: impl AsFd, seconds: u32) -> io::Result<u32> {
    let mut timeout = libc::c_int::try_from(seconds).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: WDIOC_SETTIMEOUT reads and writes one int, which is valid for the call.
    unsafe { raw::set_timeout(watchdog.as_fd().as_raw_fd(), &mut timeout) }?;
    u32::try_from(timeout).map_err(|_| io::ErrorKind::InvalidData.into())
}
