//! What a server lends, once it has been checked.

use super::message::Reply;
use core::net::Ipv4Addr;
use core::time::Duration;

/// What a server lends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// How many of its first bits name the network. 1 to 32.
    pub prefix: u8,
    /// Ways to elsewhere; at most 16.
    pub routes: Vec<Route>,
    /// DNS servers in the order in which they are to be asked; at most 8.
    pub dns: Vec<Ipv4Addr>,
    /// The server that lends it.
    pub server: Ipv4Addr,
    /// From its receipt on: when the server is to be asked to lend it longer, when any server is, and when it ends.
    /// `Duration::MAX` stands for never.
    pub times: [Duration; 3],
}

/// A way to a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub to: Ipv4Addr,
    /// How many of its first bits name it; 0 for everywhere.
    pub prefix: u8,
    /// The router, or `None` for what is on the link.
    pub via: Option<Ipv4Addr>,
}

/// Ways and servers of one lease that are kept.
const ROUTES: usize = 16;
const SERVERS: usize = 8;
/// No lease is taken for shorter than this, in seconds, whatever a server says.
const SHORTEST: u32 = 15;
/// A lease is not renewed earlier than this many seconds after its receipt.
const FIRST_RENEWAL: u32 = 5;

impl Lease {
    /// Checks a reply that lends something. `None`: what it lends can't be used.
    pub(super) fn new(reply: &Reply) -> Option<Self> {
        let prefix = match reply.mask {
            Some(mask) => prefix_of(mask)?,
            None => natural_prefix(reply.address),
        };
        if !is_host(reply.address) || is_edge(reply.address, prefix) {
            return None;
        }
        let server = reply.server.filter(|&server| is_host(server))?;
        let times = times(reply.seconds?, reply.renew, reply.rebind);
        let usable = |address: &Ipv4Addr| is_host(*address) && *address != reply.address;
        let default = || {
            let router = reply.routers.iter().copied().find(usable);
            router.map(|via| Route { to: Ipv4Addr::UNSPECIFIED, prefix: 0, via: Some(via) })
        };
        // Where there are classless routes the router is not to be looked at (RFC 3442).
        let routes = reply.routes.as_deref().and_then(classless);
        let routes = routes.unwrap_or_else(|| default().into_iter().collect());
        let dns = reply.dns.iter().copied().filter(|it| is_host(*it)).take(SERVERS).collect();
        Some(Self { address: reply.address, prefix, routes, dns, server, times })
    }

    /// Whether it leads out of its own network.
    pub fn has_way_out(&self) -> bool {
        self.routes.iter().any(|route| route.prefix == 0)
    }

    /// Whether everything but the times is the same, so that there is nothing to change.
    pub(super) fn lends_the_same(&self, other: &Self) -> bool {
        Self { times: other.times, server: other.server, ..self.clone() } == *other
    }

    /// Whether an address is on the lease's own network.
    pub fn is_near(&self, other: Ipv4Addr) -> bool {
        let mask = mask(self.prefix);
        self.address.to_bits() & mask == other.to_bits() & mask
    }
}

/// Half and seven eighths of the lease where the server says nothing, or nothing that makes sense (RFC 2131, 4.4.5).
fn times(lease: u32, renew: Option<u32>, rebind: Option<u32>) -> [Duration; 3] {
    if lease == u32::MAX {
        return [Duration::MAX; 3];
    }
    let end = lease.max(SHORTEST);
    let rebind = rebind.unwrap_or_default();
    let second = if (FIRST_RENEWAL + 1..end).contains(&rebind) { rebind } else { end - end / 8 };
    let first = renew.map_or(end / 2, |renew| renew.max(FIRST_RENEWAL));
    let first = if first < second { first } else { (end / 2).min(second - 1) };
    [first, second, end].map(|seconds| Duration::from_secs(seconds.into()))
}

/// Whether a single machine can have this address and be spoken to from another one.
fn is_host(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && first != 127 && first < 224
}

/// Whether an address means its whole network.
fn is_edge(address: Ipv4Addr, prefix: u8) -> bool {
    let host = !mask(prefix);
    prefix < 31 && (address.to_bits() & host == 0 || address.to_bits() & host == host)
}

/// The mask of a network whose first `prefix` bits name it.
fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let ones = bits.leading_ones();
    (ones > 0 && bits.count_ones() == ones).then_some(ones as u8)
}

/// What was meant before there were masks: by the address's class (RFC 791, 3.2).
fn natural_prefix(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    }
}

/// Classless routes (RFC 3442): a prefix's length, as many of its octets as that needs, a router; again and again. `None`
/// if they are not well-formed.
fn classless(mut option: &[u8]) -> Option<Vec<Route>> {
    let mut routes = Vec::new();
    while let Some((&prefix, rest)) = option.split_first() {
        let octets = usize::from(prefix).div_ceil(8);
        let (to, rest) = rest.split_at_checked(octets).filter(|_| prefix <= 32)?;
        let (via, rest) = rest.split_first_chunk::<4>()?;
        option = rest;
        let mut network = [0; 4];
        network[..octets].copy_from_slice(to);
        let to = Ipv4Addr::from_bits(u32::from_be_bytes(network) & mask(prefix));
        let via = Ipv4Addr::from(*via);
        let usable = via.is_unspecified() || is_host(via);
        if usable && routes.len() < ROUTES {
            routes.push(Route { to, prefix, via: Some(via).filter(|via| !via.is_unspecified()) });
        }
    }
    Some(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(lease: u32, renew: Option<u32>, rebind: Option<u32>) -> [u64; 3] {
        times(lease, renew, rebind).map(|time| time.as_secs())
    }

    #[test]
    fn times_are_the_servers_where_they_make_sense() {
        assert_eq!(seconds(3600, None, None), [1800, 3150, 3600]);
        assert_eq!(seconds(3600, Some(100), Some(200)), [100, 200, 3600]);
        assert_eq!(seconds(3600, Some(200), Some(100)), [99, 100, 3600]);
        assert_eq!(seconds(3600, Some(4000), Some(5000)), [1800, 3150, 3600]);
        assert_eq!(times(u32::MAX, Some(1), Some(2)), [Duration::MAX; 3]);
    }

    #[test]
    fn no_lease_makes_the_client_restless() {
        for lease in [0, 1, 14, 15, 16, 100] {
            for renew in [None, Some(0), Some(1), Some(u32::MAX)] {
                for rebind in [None, Some(0), Some(1), Some(6), Some(7), Some(u32::MAX)] {
                    let [first, second, end] = seconds(lease, renew, rebind);
                    assert!(first >= 5 && first < second && second < end, "{lease} {renew:?} {rebind:?}");
                }
            }
        }
    }

    #[test]
    fn classless_routes_are_read_or_refused_as_a_whole() {
        let good = [0, 10, 0, 0, 1, 24, 192, 168, 7, 0, 0, 0, 0, 32, 10, 9, 8, 7, 10, 0, 0, 2];
        let routes = classless(&good).unwrap();
        let text: Vec<_> =
            routes.iter().map(|route| format!("{}/{} {:?}", route.to, route.prefix, route.via)).collect();
        assert_eq!(text, ["0.0.0.0/0 Some(10.0.0.1)", "192.168.7.0/24 None", "10.9.8.7/32 Some(10.0.0.2)"]);
        for end in 1..good.len() {
            assert_eq!(classless(&good[..end]).is_some(), [5, 13].contains(&end), "{end}");
        }
        assert_eq!(classless(&[33, 1, 2, 3, 4, 5, 10, 0, 0, 1]), None);
        assert_eq!(classless(&[0, 10, 0, 0, 1].repeat(100)).unwrap().len(), ROUTES);
    }

    #[test]
    fn masks_have_no_holes() {
        for (mask, prefix) in [([255, 255, 255, 0], Some(24)), ([255, 255, 255, 255], Some(32))] {
            assert_eq!(prefix_of(mask.into()), prefix);
        }
        for mask in [[0, 0, 0, 0], [255, 0, 255, 0], [0, 255, 255, 255]] {
            assert_eq!(prefix_of(mask.into()), None);
        }
        assert_eq!((mask(0), mask(1), mask(32)), (0, 1 << 31, u32::MAX));
    }
}
