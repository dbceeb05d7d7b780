//! What routers say to IPv6 hosts (RFC 4861, 4.2; DNS servers: RFC 8106, 5.1).
//!
//! Addresses and routes are made of the same packets by the kernel, which must follow them for as long as they live. What it
//! leaves to others is read here: DNS servers, and whether an address can be expected at all.

use core::net::Ipv6Addr;
use smoltcp::wire::{
    Icmpv6Message, Icmpv6Packet, NdiscOption, NdiscOptionType, NdiscPrefixInfoFlags, NdiscRouterFlags,
};

/// The hop limit of every packet that has not come through a router (RFC 4861, 6.1.2).
pub const HOP_LIMIT: i32 = 255;
/// Where routers are asked: `ff02::2`, all of them.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// So many DNS servers of one advertisement are kept.
const SERVERS: usize = 8;
/// The option with DNS servers (RFC 8106, 5.1).
const RECURSIVE_DNS: u8 = 25;

/// What a router advertises, as far as the kernel leaves it to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Whether it is a way out of the link.
    pub is_default: bool,
    /// Whether hosts make addresses from a prefix of its.
    pub has_prefix: bool,
    /// Whether addresses come by DHCPv6.
    pub managed: bool,
    /// DNS servers, and for how many seconds each is one: 0 from now on not any more, `u32::MAX` for ever.
    pub servers: Vec<(Ipv6Addr, u32)>,
}

/// The packet that asks routers to advertise now. The kernel puts its checksum in.
pub const SOLICITATION: [u8; 8] = [133, 0, 0, 0, 0, 0, 0, 0];

/// Reads an ICMPv6 packet that came with [`HOP_LIMIT`] from a link-local address. `None`: it is no advertisement, or not a
/// whole one.
pub fn advertisement(packet: &[u8]) -> Option<Advertisement> {
    let packet = Icmpv6Packet::new_checked(packet).ok()?;
    if packet.msg_type() != Icmpv6Message::RouterAdvert || packet.msg_code() != 0 {
        return None;
    }
    let mut found = Advertisement {
        is_default: packet.router_lifetime().total_millis() > 0,
        has_prefix: false,
        managed: packet.router_flags().contains(NdiscRouterFlags::MANAGED),
        servers: Vec::new(),
    };
    let mut rest = packet.payload();
    while !rest.is_empty() {
        let option = NdiscOption::new_checked(rest).ok()?;
        match option.option_type() {
            NdiscOptionType::PrefixInformation => {
                let autonomous = option.prefix_flags().contains(NdiscPrefixInfoFlags::ADDRCONF);
                found.has_prefix |= autonomous && option.valid_lifetime().total_millis() > 0;
            }
            NdiscOptionType::Unknown(RECURSIVE_DNS) => found.add_servers(option.data()),
            _ => {}
        }
        rest = rest.get(usize::from(option.data_len()) * 8..)?;
    }
    Some(found)
}

impl Advertisement {
    /// Adds what the option holds: two bytes of nothing, a lifetime, and addresses.
    fn add_servers(&mut self, option: &[u8]) {
        let Some((&[_, _, a, b, c, d], addresses)) = option.split_first_chunk() else { return };
        let lifetime = u32::from_be_bytes([a, b, c, d]);
        let addresses = addresses.as_chunks::<16>().0.iter().map(|&octets| Ipv6Addr::from(octets));
        let usable = addresses.filter(|it| !it.is_unspecified() && !it.is_multicast() && !it.is_loopback());
        let room = SERVERS.saturating_sub(self.servers.len());
        self.servers.extend(usable.take(room).map(|address| (address, lifetime)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As radvd sends it: a prefix, and two servers.
    fn sample() -> Vec<u8> {
        let mut packet = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
        packet.extend([3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0]);
        packet.extend(Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0).octets());
        packet.extend([25, 5, 0, 0, 0, 0, 0, 60]);
        packet.extend(Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 1).octets());
        packet.extend(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).octets());
        packet
    }

    #[test]
    fn prefix_and_dns_servers_are_read() {
        let read = advertisement(&sample()).unwrap();
        assert!(read.is_default && read.has_prefix && !read.managed);
        let servers: Vec<_> =
            read.servers.iter().map(|(address, life)| format!("{address} {life}")).collect();
        assert_eq!(servers, ["fd00:1::1 60", "fe80::1 60"]);
    }

    #[test]
    fn a_router_without_lifetime_is_no_way_out() {
        let mut packet = sample();
        packet[6..8].fill(0);
        packet[5] = 0x80;
        let read = advertisement(&packet).unwrap();
        assert!(!read.is_default && read.managed);
    }

    #[test]
    fn what_is_not_whole_is_no_advertisement() {
        let packet = sample();
        for length in 0..packet.len() {
            // Whole options may be missing.
            let whole = [16, 48].contains(&length);
            assert_eq!(advertisement(&packet[..length]).is_some(), whole, "{length}");
        }
        for (at, value) in [(0, 135), (1, 1), (17, 0), (49, 9)] {
            let mut packet = packet.clone();
            packet[at] = value;
            assert_eq!(advertisement(&packet), None, "{at}");
        }
    }

    #[test]
    fn the_servers_that_are_kept_are_bounded_and_can_be_used() {
        let mut packet = sample()[..16].to_vec();
        packet.extend([25, 41, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        for number in 0..20u16 {
            packet.extend(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, number).octets().map(|byte| byte & 0x0f));
        }
        assert_eq!(advertisement(&packet).unwrap().servers.len(), SERVERS);
        for (at, octet) in packet[24..].iter_mut().enumerate() {
            *octet = if at % 16 == 0 { 0xff } else { *octet };
        }
        assert_eq!(advertisement(&packet).unwrap().servers, []);
    }
}
