//! What is asked for one after the other where somebody types the addresses of a network.

use crate::machine::ByHand;
use core::net::IpAddr;

/// What is typed for nothing.
const NONE: &str = "-";

/// What is typed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// The address.
    Address,
    /// The way out.
    Gateway,
    /// The DNS server.
    Dns,
}

/// That something was typed that is none of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

impl Blank {
    /// Takes what was typed. Returns what is to be typed next, and nothing where that was the last; an error where it is
    /// none of what was asked for.
    pub fn fill(self, by_hand: &mut ByHand, text: &str) -> Result<Option<Self>, Unfit> {
        match (self, text) {
            (Self::Address, _) => {
                by_hand.address = Some(address(text).ok_or(Unfit)?);
                Ok(Some(Self::Gateway))
            }
            (Self::Gateway, NONE) => Ok(Some(Self::Dns)),
            (Self::Dns, NONE) => Ok(None),
            (_, text) => {
                let ip: IpAddr = text.parse().map_err(|_| Unfit)?;
                let (blank, next) = match self {
                    Self::Dns => (&mut by_hand.dns, None),
                    _ => {
                        by_hand.address.filter(|own| is_near(*own, ip)).ok_or(Unfit)?;
                        (&mut by_hand.gateway, Some(Self::Dns))
                    }
                };
                *blank = Some(ip).filter(|ip| is_host(*ip));
                if blank.is_some() { Ok(next) } else { Err(Unfit) }
            }
        }
    }

    /// What the person who types it is told of it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Address => "Address and length of its prefix, as in 192.168.7.2/24 (0: back)",
            Self::Gateway => "Gateway: an address of the same network (-: none, 0: back)",
            Self::Dns => "DNS server: an address (-: as the configuration says, 0: back)",
        }
    }
}

/// An address that one machine can have, with the length of its network's prefix.
fn address(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, prefix) = text.split_once('/')?;
    let (ip, prefix): (IpAddr, u8) = (ip.parse().ok()?, prefix.parse().ok()?);
    let most = if ip.is_ipv4() { 32 } else { 128 };
    ((1..=most).contains(&prefix) && is_host(ip)).then_some((ip, prefix))
}

/// Whether one machine can have this address, and others reach it there.
fn is_host(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => (1..224).contains(&ip.octets()[0]) && !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast(),
    }
}

/// Whether another machine at this one is reached from the address without a way out.
fn is_near((own, prefix): (IpAddr, u8), ip: IpAddr) -> bool {
    let (own, other) = match (own, ip) {
        (IpAddr::V4(own), IpAddr::V4(other)) => {
            (u128::from(own.to_bits()) << 96, u128::from(other.to_bits()) << 96)
        }
        (IpAddr::V6(_), IpAddr::V6(other)) if other.is_unicast_link_local() => return true,
        (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits()),
        _ => return false,
    };
    own != other && (own ^ other).leading_zeros() >= u32::from(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(lines: &[&str]) -> Result<ByHand, usize> {
        let mut by_hand = ByHand { link: "eth0".into(), address: None, gateway: None, dns: None };
        let mut next = Some(Blank::Address);
        for (number, line) in lines.iter().enumerate() {
            next = next.unwrap().fill(&mut by_hand, line).map_err(|Unfit| number)?;
        }
        assert_eq!(next, None);
        Ok(by_hand)
    }

    #[test]
    fn addresses_are_typed_one_after_the_other() {
        for (lines, said) in [
            (["192.168.7.2/24", "192.168.7.1", "9.9.9.9"], "eth0 192.168.7.2/24 via 192.168.7.1 dns 9.9.9.9"),
            (["10.0.0.2/8", "-", "-"], "eth0 10.0.0.2/8"),
            (["fd00::2/64", "fe80::1", "fd00::1"], "eth0 fd00::2/64 via fe80::1 dns fd00::1"),
            (["fd00::2/64", "fd00::1", "-"], "eth0 fd00::2/64 via fd00::1"),
            (["192.0.2.2/31", "192.0.2.3", "-"], "eth0 192.0.2.2/31 via 192.0.2.3"),
        ] {
            assert_eq!(typed(&lines).unwrap().to_string(), said);
        }
    }

    #[test]
    fn what_no_machine_can_have_or_reach_is_not_taken() {
        for (number, lines) in [
            (0, &["192.168.7.2"][..]),
            (0, &["192.168.7.2/33"]),
            (0, &["-"]),
            (0, &["0.0.0.0/8"]),
            (0, &["127.0.0.1/8"]),
            (0, &["224.0.0.1/24"]),
            (0, &["::1/128"]),
            (0, &["ff02::1/64"]),
            (1, &["192.168.7.2/24", "192.168.8.1"]),
            (1, &["192.168.7.2/24", "192.168.7.2"]),
            (1, &["192.168.7.2/24", "fe80::1"]),
            (1, &["192.168.7.2/32", "192.168.7.1"]),
            (1, &["fd00::2/64", "fd01::1"]),
            (1, &["192.168.7.2/24", "gateway"]),
            (2, &["192.168.7.2/24", "-", "255.255.255.255"]),
            (2, &["192.168.7.2/24", "-", ""]),
        ] {
            assert_eq!(typed(lines), Err(number), "{lines:?}");
        }
    }
}
