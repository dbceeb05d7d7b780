use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// An instruction of a packet filter: code, jumps if true and if false, operand (linux/filter.h).
pub type FilterStep = (u16, u8, u8, u32);

/// A socket that gives and takes whole Ethernet frames of one protocol (its Ethernet type) on one interface, and never
/// waits. Only frames that pass the filter come in; an empty one lets all pass.
pub fn packet_socket(interface: u32, protocol: u16, filter: &[FilterStep]) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    // Without a protocol nothing comes in before the filter is there.
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
    if !filter.is_empty() {
        attach(&socket, filter)?;
    }
    // SAFETY: zeros are a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = interface.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: bind reads one sockaddr_ll, which is valid for the call.
    let bound = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    Errno::result(bound)?;
    Ok(socket)
}

fn attach(socket: &OwnedFd, filter: &[FilterStep]) -> io::Result<()> {
    let mut steps: Vec<_> =
        filter.iter().map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k }).collect();
    let len = steps.len().try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len, filter: steps.as_mut_ptr() };
    // SAFETY: SO_ATTACH_FILTER reads the program and the steps that it points to; both outlive the call.
    let attached = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    Errno::result(attached)?;
    Ok(())
}
