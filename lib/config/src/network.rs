//! The network: the recovery's interfaces, addresses and names, and how bundles are fetched.

use crate::units::{Kib, Seconds};
use crate::words::words;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How the recovery gets a way into a network, where a source needs one, and how bundles are fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// DNS servers that are asked before those that the network names.
    pub dns: Vec<IpAddr>,
    /// How long to wait until an interface has a way out. Default: 60.
    pub wait_seconds: Seconds,
    /// The interfaces that may be used, the best one first.
    #[serde(rename = "interface")]
    pub interfaces: Vec<Interface>,
    /// In TOML: paths of PEM files with the certificates of authorities that servers are certified by. In the initramfs:
    /// what is in them.
    pub ca: Vec<String>,
    /// PEM file on the data volume with this device's certificate, and those between it and its authority.
    pub client_certificate: Option<String>,
    /// PEM file on the data volume with the key of that certificate.
    pub client_key: Option<String>,
    /// The name that a server's certificate must have, whatever the address says.
    pub server_name: Option<String>,
    /// Addresses that may be asked in place of the one that is staged, in this order.
    pub mirrors: Vec<String>,
    /// The HTTP proxy that all connections go through.
    pub proxy: Option<String>,
    /// The most that is fetched in a second in the live system; 0 is no limit.
    pub rate_limit_kib: Kib,
    /// The live system pauses fetching while the load of the last minute is this high; 0 never does.
    pub pause_at_load: u32,
    /// How many tries in a row may bring nothing.
    pub tries: u32,
    /// How long to wait for a name to be resolved.
    pub resolve_seconds: Seconds,
    /// How long to wait for a connection, with TLS.
    pub connect_seconds: Seconds,
    /// How long to wait for the head of an answer.
    pub answer_seconds: Seconds,
    /// How long nothing may come in the middle of an answer.
    pub stall_seconds: Seconds,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            dns: vec![],
            wait_seconds: Seconds(60),
            interfaces: vec![],
            ca: vec![],
            client_certificate: None,
            client_key: None,
            server_name: None,
            mirrors: vec![],
            proxy: None,
            rate_limit_kib: Kib(0),
            pause_at_load: 0,
            tries: 12,
            resolve_seconds: Seconds(20),
            connect_seconds: Seconds(30),
            answer_seconds: Seconds(60),
            stall_seconds: Seconds(60),
        }
    }
}

/// Interfaces, and what their addresses are. Every condition that is given must hold; without one every wired interface
/// is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Interface {
    /// The kernel's name for it, where `*` stands for any characters.
    pub name: Option<String>,
    /// Its hardware address, `02:00:00:00:00:07`.
    pub mac: Option<String>,
    /// A part of its path below `/sys/devices`, as in `0000:00:03.0`.
    pub bus: Option<String>,
    /// The number of the virtual network to join on it. Without one packets have no tag.
    pub vlan: Option<u16>,
    /// Where IPv4 addresses come from.
    pub ipv4: Ipv4,
    /// Where IPv6 addresses come from.
    pub ipv6: Ipv6,
    /// Addresses of its own, for what is `static`.
    pub addresses: Vec<Address>,
    /// The ways out, for what is `static`: at most one of each kind.
    pub gateways: Vec<IpAddr>,
}

/// Where IPv4 addresses come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ipv4 {
    /// A server lends one.
    #[default]
    Dhcp,
    /// The configuration names them.
    Static,
    /// There are none.
    Off,
}
words!(Ipv4: Dhcp = "dhcp", Static = "static", Off = "off");

/// Where IPv6 addresses come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ipv6 {
    /// From what routers advertise.
    #[default]
    Auto,
    /// The configuration names them.
    Static,
    /// There are none.
    Off,
}
words!(Ipv6: Auto = "auto", Static = "static", Off = "off");

/// An address with the length of its network's prefix: `192.168.7.2/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// How many of its first bits name the network: 1 to 32, or to 128.
    pub prefix: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (ip, prefix) = text.split_once('/')?;
            let (ip, prefix): (IpAddr, u8) = (ip.parse().ok()?, prefix.parse().ok()?);
            let most = if ip.is_ipv4() { 32 } else { 128 };
            (1..=most).contains(&prefix).then_some(Self { ip, prefix })
        };
        parse().ok_or("must be an address and the length of its prefix, as in 192.168.7.2/24")
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
