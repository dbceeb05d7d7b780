//! The kernel's events about devices, received without udev.

use crate::answer::Result;
use drydock_engine::Error;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, setsockopt, socket, sockopt,
};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

/// What the kernel tells about a device that came, changed or went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uevent {
    /// `add`, `change`, `remove`, `bind`...
    pub action: String,
    /// The kind of device, as in `block`.
    pub subsystem: String,
    /// What a module's alias must match to be its driver.
    pub modalias: Option<String>,
}

/// The kernel's own stream of device events: no udev is needed for it.
#[derive(Debug)]
pub struct Uevents {
    socket: OwnedFd,
}

impl Uevents {
    /// Starts to listen. Open it before looking at `/sys`, so that nothing falls in between.
    pub fn open() -> Result<Self> {
        let open = || {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let protocol = SockProtocol::NetlinkKObjectUEvent;
            let socket = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol)?;
            // A burst of devices must not overrun the queue; if it does all the same, a look at /sys makes up.
            let _ = setsockopt(&socket, sockopt::RcvBuf, &(1 << 20));
            const KERNEL: u32 = 1;
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, KERNEL))?;
            Ok(Self { socket })
        };
        open().map_err(|errno: Errno| Error::doing("listen for the kernel's device events")(errno.into()))
    }

    /// Waits until `deadline` for the next event. `None`: there was none. Events that the kernel had to drop
    /// are answered as a `change` of subsystem `block`, because both mean that one must look again.
    pub fn next(&self, deadline: Instant) -> Result<Option<Uevent>> {
        let mut message = [0; 8192];
        loop {
            match recvfrom::<NetlinkAddr>(self.socket.as_raw_fd(), &mut message) {
                // Only the kernel sends with process id 0.
                Ok((len, Some(sender))) if sender.pid() == 0 => {
                    if let Some(event) = parse(&message[..len]) {
                        return Ok(Some(event));
                    }
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => {
                    let block = Uevent { action: "change".into(), subsystem: "block".into(), modalias: None };
                    return Ok(Some(block));
                }
                Err(Errno::EAGAIN) => {
                    if !wait_readable(&self.socket, deadline)? {
                        return Ok(None);
                    }
                }
                Err(errno) => return Err(Error::doing("receive a device event")(errno.into())),
            }
        }
    }
}

fn wait_readable(socket: &OwnedFd, deadline: Instant) -> Result<bool> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Ok(false);
    }
    let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(true),
        Err(errno) => Err(Error::doing("wait for device events")(errno.into())),
    }
}

/// Takes an event apart: `ACTION@DEVPATH`, then `KEY=value`, each ended by a NUL.
fn parse(message: &[u8]) -> Option<Uevent> {
    let mut parts = message.split(|&b| b == 0).filter_map(|part| std::str::from_utf8(part).ok());
    parts.next().filter(|first| first.contains('@'))?;
    let mut event = Uevent::default();
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key {
            "ACTION" => event.action = value.into(),
            "SUBSYSTEM" => event.subsystem = value.into(),
            "MODALIAS" => event.modalias = Some(value.into()),
            _ => {}
        }
    }
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_apart() {
        let message = b"add@/devices/pci0000:00/0000:00:04.0\0ACTION=add\0SUBSYSTEM=pci\0MODALIAS=pci:v1AF4\0SEQNUM=7\0";
        let event = parse(message).unwrap();
        assert_eq!(event.action, "add");
        assert_eq!(event.subsystem, "pci");
        assert_eq!(event.modalias.as_deref(), Some("pci:v1AF4"));
    }

    #[test]
    fn what_udev_sends_and_garbage_are_no_events() {
        for message in [&b"libudev\0\xfe\xed\xca\xfe"[..], b"", b"\0\0", b"\xff\xff@"] {
            assert_eq!(parse(message), None);
        }
    }
}
