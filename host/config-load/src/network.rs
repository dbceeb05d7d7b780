//! What must hold for the network of the recovery. No I/O.

use crate::problems::{Problems, is_word};
use drydock_config::{Address, Interface, Ipv4, Ipv6, Network};
use std::net::IpAddr;

/// So many interfaces and DNS servers, and addresses of one interface, are enough for anybody.
const MOST: usize = 16;
/// The longest name that the kernel gives an interface.
const LONGEST_NAME: usize = 15;
/// The kernel's name of the interface with a tag is the other one's with a dot and up to four digits.
const LONGEST_TAG: usize = 5;

/// Adds everything that is wrong with it.
pub(crate) fn check_network(network: &Network, problems: &mut Problems) {
    problems.unless_within(network.wait_seconds.0, 5, 3600, "network.wait_seconds");
    problems.unless(network.dns.len() <= MOST, "network.dns", "at most 16 DNS servers");
    for (index, server) in network.dns.iter().enumerate() {
        problems.unless(
            is_host(*server),
            format!("network.dns.{index}"),
            "must be the address of one machine that others can reach",
        );
    }
    let interfaces = &network.interfaces;
    problems.unless(interfaces.len() <= MOST, "network.interface", "at most 16 interfaces");
    for (index, interface) in interfaces.iter().enumerate() {
        check_interface(interface, &format!("network.interface.{index}"), problems);
        let conditions =
            |other: &Interface| (other.name.clone(), other.mac.clone(), other.bus.clone(), other.vlan);
        let first = interfaces.iter().position(|other| conditions(other) == conditions(interface));
        problems.unless(
            first == Some(index),
            format!("network.interface.{index}"),
            "an earlier [[network.interface]] means the same interfaces, so this one would never be used",
        );
    }
}

fn check_interface(interface: &Interface, at: &str, problems: &mut Problems) {
    if let Some(name) = &interface.name {
        let longest = LONGEST_NAME - interface.vlan.map_or(0, |_| LONGEST_TAG);
        problems.unless(
            is_word(name, longest, "._-*", true),
            format!("{at}.name"),
            format!("must be the kernel's name of an interface, 1 to {longest} characters, with * for any"),
        );
    }
    if let Some(mac) = &interface.mac {
        problems.unless(
            is_mac(mac),
            format!("{at}.mac"),
            "must be the hardware address of one interface, as in 02:00:00:00:00:07",
        );
    }
    if let Some(bus) = &interface.bus {
        let good = !bus.is_empty() && bus.bytes().all(|byte| byte.is_ascii_graphic());
        problems.unless(
            good,
            format!("{at}.bus"),
            "must be a part of a path below /sys/devices, without spaces",
        );
    }
    if let Some(vlan) = interface.vlan {
        problems.unless_within(vlan.into(), 1, 4094, format!("{at}.vlan"));
    }
    problems.unless(
        interface.ipv4 != Ipv4::Off || interface.ipv6 != Ipv6::Off,
        at,
        "an interface without IPv4 and IPv6 leads nowhere",
    );
    check_addresses(interface, at, problems);
}

/// Addresses and gateways are there where they are said to be static, and only there.
fn check_addresses(interface: &Interface, at: &str, problems: &mut Problems) {
    let is_static = |ip: IpAddr| match ip {
        IpAddr::V4(_) => interface.ipv4 == Ipv4::Static,
        IpAddr::V6(_) => interface.ipv6 == Ipv6::Static,
    };
    let key = |ip: IpAddr| if ip.is_ipv4() { "ipv4" } else { "ipv6" };
    problems.unless(interface.addresses.len() <= MOST, format!("{at}.addresses"), "at most 16 addresses");
    for (index, address) in interface.addresses.iter().enumerate() {
        let at = format!("{at}.addresses.{index}");
        problems.unless(
            is_host(address.ip) && !is_edge(address),
            &at,
            "must be an address that one machine can have",
        );
        problems.unless(
            is_static(address.ip),
            &at,
            format!("set `{} = \"static\"` for this interface", key(address.ip)),
        );
    }
    let gateways = &interface.gateways;
    for (index, gateway) in gateways.iter().enumerate() {
        let at = format!("{at}.gateways.{index}");
        problems.unless(is_host(*gateway), &at, "must be the address of a router");
        problems.unless(
            is_static(*gateway),
            &at,
            format!("set `{} = \"static\"` for this interface", key(*gateway)),
        );
        let first = gateways.iter().position(|other| other.is_ipv4() == gateway.is_ipv4());
        problems.unless(first == Some(index), &at, "there is a gateway of this kind already");
        let near = interface.addresses.iter().any(|address| is_near(address, *gateway));
        problems.unless(near, &at, "no address of this interface is in the same network");
    }
    let has = |v4: bool| interface.addresses.iter().any(|address| address.ip.is_ipv4() == v4);
    problems.unless(
        interface.ipv4 != Ipv4::Static || has(true),
        format!("{at}.ipv4"),
        "name the IPv4 address in `addresses`",
    );
    problems.unless(
        interface.ipv6 != Ipv6::Static || has(false),
        format!("{at}.ipv6"),
        "name the IPv6 address in `addresses`",
    );
}

/// Whether one machine can have this address, and others reach it there.
fn is_host(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => (1..224).contains(&ip.octets()[0]) && !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast(),
    }
}

/// The address's bits, and its network's mask, at the top of 128 bits.
fn bits(address: &Address) -> (u128, u128) {
    let mask = u128::MAX << (128 - u32::from(address.prefix.min(128)));
    (high_bits(address.ip), mask)
}

fn high_bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// Whether an IPv4 address means its whole network.
fn is_edge(address: &Address) -> bool {
    let (bits, mask) = bits(address);
    let host = bits & !mask;
    let all = !mask & (u128::from(u32::MAX) << 96);
    address.ip.is_ipv4() && address.prefix < 31 && (host == 0 || host == all)
}

fn is_near(address: &Address, other: IpAddr) -> bool {
    let (bits, mask) = bits(address);
    // Every IPv6 interface has a link-local address.
    let link_local = matches!(other, IpAddr::V6(ip) if ip.is_unicast_link_local());
    address.ip.is_ipv4() == other.is_ipv4() && (link_local || bits & mask == high_bits(other) & mask)
}

fn is_mac(mac: &str) -> bool {
    let octets: Vec<_> =
        mac.split(':').map(|part| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2)).collect();
    // The lowest bit of the first one marks groups.
    octets.len() == 6 && octets.iter().all(Option::is_some) && octets[0].is_some_and(|first| first & 1 == 0)
}
