//! The network of a recovery as somebody who stands before the device sees it, and sets it up.

use core::net::IpAddr;
use std::fmt;

/// An interface of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's name for it.
    pub name: String,
    /// Its hardware address, for a person.
    pub mac: String,
    /// Whether something is connected at its other end.
    pub carrier: bool,
}

/// A network that was set up by hand: one interface, for as long as this recovery runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The kernel's name of the interface.
    pub link: String,
    /// The address that it gets, and the length of its network's prefix in bits; nothing where the network lends one (DHCP, and what routers advertise).
    pub address: Option<(IpAddr, u8)>,
    /// The way out of the address's network.
    pub gateway: Option<IpAddr>,
    /// A DNS server, in place of those of the configuration.
    pub dns: Option<IpAddr>,
}

impl fmt::Display for ByHand {
    /// On one line: `eth0 192.168.7.2/24 via 192.168.7.1 dns 192.168.7.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.link)?;
        match &self.address {
            Some((ip, prefix)) => write!(f, " {ip}/{prefix}")?,
            None => f.write_str(" dhcp")?,
        }
        for (what, ip) in [("via", self.gateway), ("dns", self.dns)] {
            if let Some(ip) = ip {
                write!(f, " {what} {ip}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_by_hand_is_one_line() {
        let lent = ByHand { link: "eth1".into(), address: None, gateway: None, dns: None };
        assert_eq!(lent.to_string(), "eth1 dhcp");
        let dns = "fd00::1".parse().ok();
        let address = "fd00::2".parse().ok().map(|ip| (ip, 64));
        let typed = ByHand { address, gateway: dns, dns, ..lent };
        assert_eq!(typed.to_string(), "eth1 fd00::2/64 via fd00::1 dns fd00::1");
    }
}
