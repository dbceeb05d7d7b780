//! What the kernel is told about links, addresses and routes (rtnetlink(7), linux/rtnetlink.h).

use crate::answer::Result;
use drydock_config::Address;
use drydock_engine::Error;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto, socket,
};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// How long the kernel may take to answer, in milliseconds. It does so at once.
const PATIENCE: u16 = 5000;

const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
const ERROR: u16 = 2;

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;

const UP: u32 = 1;
const V4: u8 = 2;
const V6: u8 = 10;

/// A route that is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The network that it leads to.
    pub(super) to: IpAddr,
    /// The length of its prefix.
    pub(super) prefix: u8,
    /// The router, or `None` for what is on the link.
    pub(super) via: Option<IpAddr>,
    /// Whether the router is on the link without the interface's network saying so.
    pub(super) onlink: bool,
    /// The address that packets get as their sender's.
    pub(super) from: Option<IpAddr>,
    /// Of two routes to one place the one with the lower metric is used.
    pub(super) metric: u32,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.to, self.prefix)?;
        self.via.map_or(Ok(()), |via| write!(f, " via {via}"))
    }
}

/// A way to tell the kernel.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    pub(super) fn open() -> Result<Self> {
        let open = || {
            let flags = SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
            Ok(Self { socket, sequence: 0 })
        };
        open().map_err(|errno: Errno| Error::doing("open a netlink socket")(errno.into()))
    }

    /// Switches an interface on or off. That it has a carrier takes longer.
    pub(super) fn set_up(&mut self, interface: u32, up: bool) -> Result<()> {
        let message = Message::new(NEW_LINK, 0).fixed(&link(interface, up));
        self.tell(message, format_args!("switch interface {interface} {}", if up { "on" } else { "off" }))
    }

    /// Makes an interface for the packets of another one that have this tag (IEEE 802.1Q).
    pub(super) fn add_vlan(&mut self, parent: u32, name: &str, id: u16) -> Result<()> {
        self.tell(vlan(parent, name, id), format_args!("make {name} for VLAN {id}"))
    }

    /// Removes an interface that was made.
    pub(super) fn delete_link(&mut self, interface: u32) -> Result<()> {
        let message = Message::new(DELETE_LINK, 0).fixed(&link(interface, false));
        self.tell(message, format_args!("remove interface {interface}"))
    }

    /// Gives an interface an address.
    pub(super) fn add_address(&mut self, interface: u32, address: &Address) -> Result<()> {
        let message = self::address(NEW_ADDRESS, CREATE | EXCLUSIVE, interface, address);
        self.tell(message, format_args!("give interface {interface} the address {address}"))
    }

    /// Takes an address away.
    pub(super) fn delete_address(&mut self, interface: u32, address: &Address) -> Result<()> {
        let message = self::address(DELETE_ADDRESS, 0, interface, address);
        self.tell(message, format_args!("take {address} from interface {interface}"))
    }

    /// Adds a route over an interface.
    pub(super) fn add_route(&mut self, interface: u32, route: &Route) -> Result<()> {
        let message = self::route(NEW_ROUTE, CREATE | EXCLUSIVE, interface, route);
        self.tell(message, format_args!("add the route {route} over interface {interface}"))
    }

    /// Removes a route over an interface.
    pub(super) fn delete_route(&mut self, interface: u32, route: &Route) -> Result<()> {
        let message = self::route(DELETE_ROUTE, 0, interface, route);
        self.tell(message, format_args!("remove the route {route} over interface {interface}"))
    }

    fn tell(&mut self, message: Message, doing: fmt::Arguments<'_>) -> Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = message.finish(self.sequence);
        self.exchange(&bytes).map_err(Error::doing(doing))
    }

    fn exchange(&self, bytes: &[u8]) -> io::Result<()> {
        sendto(self.socket.as_raw_fd(), bytes, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        let mut buffer = [0; 8192];
        loop {
            let ready =
                poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE));
            match ready {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)?;
            if let Some(code) = answer(buffer.get(..length).unwrap_or_default(), self.sequence) {
                return if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) };
            }
        }
    }
}

/// The error that the kernel answers a message with, 0 for none; `None` if it is no answer to it.
fn answer(bytes: &[u8], sequence: u32) -> Option<i32> {
    let word = |at: usize| <[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok();
    let kind = u16::from_ne_bytes([*bytes.get(4)?, *bytes.get(5)?]);
    if kind != ERROR || u32::from_ne_bytes(word(8)?) != sequence {
        return None;
    }
    Some(i32::from_ne_bytes(word(16)?).wrapping_neg())
}

/// `struct ifinfomsg`, which changes nothing but whether the interface is up.
fn link(interface: u32, up: bool) -> [u8; 16] {
    let mut fixed = [0; 16];
    fixed[4..8].copy_from_slice(&interface.to_ne_bytes());
    fixed[8..12].copy_from_slice(&if up { UP } else { 0 }.to_ne_bytes());
    fixed[12..16].copy_from_slice(&UP.to_ne_bytes());
    fixed
}

fn vlan(parent: u32, name: &str, id: u16) -> Message {
    const PARENT: u16 = 5;
    const NAME: u16 = 3;
    const LINK_INFO: u16 = 18;
    const KIND: u16 = 1;
    const DATA: u16 = 2;
    const ID: u16 = 1;
    let data = Message::part().attribute(ID, &id.to_ne_bytes());
    let info = Message::part().attribute(KIND, b"vlan").attribute(DATA, &data.bytes);
    Message::new(NEW_LINK, CREATE | EXCLUSIVE)
        .fixed(&[0; 16])
        .attribute(PARENT, &parent.to_ne_bytes())
        .attribute(NAME, &[name.as_bytes(), &[0]].concat())
        .attribute(LINK_INFO, &info.bytes)
}

fn address(kind: u16, flags: u16, interface: u32, address: &Address) -> Message {
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    // `struct ifaddrmsg`: family, prefix, flags, scope, interface.
    let mut fixed = [family(address.ip), address.prefix, 0, 0, 0, 0, 0, 0];
    fixed[4..8].copy_from_slice(&interface.to_ne_bytes());
    let octets = octets(address.ip);
    Message::new(kind, flags).fixed(&fixed).attribute(LOCAL, &octets).attribute(ADDRESS, &octets)
}

fn route(kind: u16, flags: u16, interface: u32, route: &Route) -> Message {
    const DESTINATION: u16 = 1;
    const INTERFACE: u16 = 4;
    const GATEWAY: u16 = 5;
    const METRIC: u16 = 6;
    const SENDER: u16 = 7;
    const MAIN_TABLE: u8 = 254;
    const BY_ADMINISTRATOR: u8 = 4;
    const ON_LINK: u8 = 253;
    const UNICAST: u8 = 1;
    // RTNH_F_ONLINK
    let onlink = if route.onlink { 4u32 } else { 0 };
    let scope = if route.via.is_none() && route.to.is_ipv4() { ON_LINK } else { 0 };
    // `struct rtmsg`: family, prefixes, service, table, protocol, scope, type, flags.
    let mut fixed =
        [family(route.to), route.prefix, 0, 0, MAIN_TABLE, BY_ADMINISTRATOR, scope, UNICAST, 0, 0, 0, 0];
    fixed[8..12].copy_from_slice(&onlink.to_ne_bytes());
    let mut message = Message::new(kind, flags).fixed(&fixed);
    if route.prefix > 0 {
        message = message.attribute(DESTINATION, &octets(route.to));
    }
    if let Some(via) = route.via {
        message = message.attribute(GATEWAY, &octets(via));
    }
    if let Some(from) = route.from {
        message = message.attribute(SENDER, &octets(from));
    }
    message.attribute(INTERFACE, &interface.to_ne_bytes()).attribute(METRIC, &route.metric.to_ne_bytes())
}

fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { V4 } else { V6 }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().into(),
        IpAddr::V6(ip) => ip.octets().into(),
    }
}

/// A message as it grows: a header, a fixed part, attributes.
#[derive(Debug)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn new(kind: u16, flags: u16) -> Self {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST | ACKNOWLEDGE).to_ne_bytes());
        Self { bytes }
    }

    /// Attributes that go into another one.
    fn part() -> Self {
        Self { bytes: vec![] }
    }

    fn fixed(mut self, part: &[u8]) -> Self {
        self.bytes.extend(part);
        self
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}
