//! What routers advertise on one interface.
//!
//! The kernel makes addresses and routes of it, for it must follow them: duplicates, lifetimes, neighbours that are gone.
//! DNS servers it leaves to others, so the same packets are read here.

use super::seen::Seen;
use crate::answer::Result;
use drydock_config::Address;
use drydock_engine::Error;
use drydock_lan::router::{ALL_ROUTERS, Advertisement, HOP_LIMIT, SOLICITATION, advertisement};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn6, recvmsg,
    sendto, setsockopt, socket, sockopt,
};
use std::fs;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The kernel asks routers when a link comes up. Where it was up already they are asked from here (RFC 4861, 6.3.7).
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(4);
const QUESTIONS: u32 = 5;
/// So many DNS servers are kept, however many routers there are.
const SERVERS: usize = 8;

/// What routers advertise on one interface.
#[derive(Debug)]
pub(super) struct Advertised {
    index: u32,
    socket: OwnedFd,
    /// DNS servers, and when each is none any more.
    servers: Vec<(Ipv6Addr, Duration)>,
    /// What the last advertisement says.
    last: Option<Advertisement>,
    questions: u32,
    wake: Duration,
}

impl Advertised {
    /// Begins to listen, and to ask.
    pub(super) fn start(seen: &Seen, now: Duration) -> Result<Self> {
        let open = || {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let socket = socket(AddressFamily::Inet6, SockType::Raw, flags, SockProtocol::IcmpV6)?;
            setsockopt(&socket, sockopt::BindToDevice, &seen.name.clone().into())?;
            setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
            setsockopt(&socket, sockopt::Ipv6MulticastHops, &HOP_LIMIT)?;
            Ok(socket)
        };
        let failed = |errno: Errno| {
            Error::doing(format_args!("listen for IPv6 routers on {}", seen.name))(errno.into())
        };
        let socket = open().map_err(failed)?;
        Ok(Self { index: seen.index, socket, servers: vec![], last: None, questions: 0, wake: now })
    }

    /// Returns when [`time`](Self::time) wants to be called.
    pub(super) fn wake(&self) -> Duration {
        self.servers.iter().map(|(_, end)| *end).fold(self.wake, Duration::min)
    }

    /// Returns what is to be waited on.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Does what is due.
    pub(super) fn time(&mut self, now: Duration) {
        self.servers.retain(|(_, end)| now < *end);
        if now < self.wake {
            return;
        }
        let enough = self.last.is_some() || self.questions >= QUESTIONS;
        self.wake = if enough { Duration::MAX } else { now + BETWEEN_QUESTIONS };
        if !enough {
            self.questions += 1;
            let routers = SockaddrIn6::from(SocketAddrV6::new(ALL_ROUTERS, 0, 0, self.index));
            // As long as the link-local address is not known to be its own, the kernel has none to send from.
            let _ = sendto(self.socket.as_raw_fd(), &SOLICITATION, &routers, MsgFlags::empty());
        }
    }

    /// Takes in what has come.
    pub(super) fn receive(&mut self, now: Duration) {
        let mut buffer = [0; 2048];
        while let Some(received) = next(&self.socket, &mut buffer) {
            if let Some(advertisement) = received {
                self.take(now, advertisement);
            }
        }
    }

    fn take(&mut self, now: Duration, advertisement: Advertisement) {
        for &(server, seconds) in &advertisement.servers {
            self.servers.retain(|(known, _)| *known != server);
            let end = match seconds {
                u32::MAX => Duration::MAX,
                seconds => now + Duration::from_secs(seconds.into()),
            };
            if end > now && self.servers.len() < SERVERS {
                self.servers.push((server, end));
            }
        }
        self.last = Some(advertisement);
    }

    /// Returns the DNS servers. A link-local address counts on this interface only.
    pub(super) fn servers(&self) -> impl Iterator<Item = SocketAddr> {
        self.servers.iter().map(|(server, _)| {
            let scope = if server.is_unicast_link_local() { self.index } else { 0 };
            SocketAddr::V6(SocketAddrV6::new(*server, drydock_lan::dns::PORT, 0, scope))
        })
    }

    /// Whether a router is a way out.
    pub(super) fn has_way_out(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.is_default)
    }

    /// Returns why there is no address yet.
    pub(super) fn lacks(&self) -> &'static str {
        match &self.last {
            None => "no router advertises IPv6",
            Some(last) if last.has_prefix => {
                "its IPv6 address is still being tried, or another machine has it"
            }
            Some(last) if last.managed => "the routers want DHCPv6, which drydock does not speak",
            Some(_) => "the routers advertise no IPv6 prefix to make an address from",
        }
    }
}

/// The next packet that has come; inside, what it says if it is an advertisement from a router on this link.
fn next(socket: &OwnedFd, buffer: &mut [u8]) -> Option<Option<Advertisement>> {
    let mut space = nix::cmsg_space!(i32);
    let mut parts = [IoSliceMut::new(buffer)];
    let received =
        recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_DONTWAIT)
            .ok()?;
    let limits = received.cmsgs().into_iter().flatten();
    let mut limits = limits.filter_map(|message| match message {
        ControlMessageOwned::Ipv6HopLimit(limit) => Some(limit),
        _ => None,
    });
    let is_near = limits.next() == Some(HOP_LIMIT)
        && received.address.is_some_and(|sender| sender.ip().is_unicast_link_local());
    let length = received.bytes;
    Some(buffer.get(..length).filter(|_| is_near).and_then(advertisement))
}

/// Returns the IPv6 addresses of an interface that can be used elsewhere than on its link.
pub(super) fn addresses(name: &str) -> Vec<Address> {
    let table = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    table.lines().filter_map(|line| usable(line, name)).collect()
}

/// Reads a line: address, index, prefix, scope, flags, name.
fn usable(line: &str, name: &str) -> Option<Address> {
    const GLOBAL: &str = "00";
    // IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE
    const UNUSABLE: u32 = 0x08 | 0x20 | 0x40;
    let mut words = line.split_whitespace();
    let ip = u128::from_str_radix(words.next()?, 16).ok()?;
    let prefix = u8::from_str_radix(words.nth(1)?, 16).ok()?;
    let (scope, flags) = (words.next()?, u32::from_str_radix(words.next()?, 16).ok()?);
    let ours = words.next() == Some(name) && scope == GLOBAL && flags & UNUSABLE == 0;
    ours.then_some(Address { ip: IpAddr::V6(Ipv6Addr::from_bits(ip)), prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_tried_or_given_up_are_not_used() {
        let line = |scope: &str, flags: &str, name: &str| {
            format!("fd000001000000000000000000000007 02 40 {scope} {flags}     {name}")
        };
        assert_eq!(usable(&line("00", "80", "eth0"), "eth0").unwrap().to_string(), "fd00:1::7/64");
        for (scope, flags, name) in [
            ("20", "80", "eth0"),
            ("00", "40", "eth0"),
            ("00", "c8", "eth0"),
            ("00", "20", "eth0"),
            ("00", "80", "eth1"),
        ] {
            assert_eq!(usable(&line(scope, flags, name), "eth0"), None, "{scope} {flags} {name}");
        }
        assert_eq!(usable("", "eth0"), None);
    }
}
