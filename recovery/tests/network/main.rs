//! The network against what there really is: DHCP, routers and names from Debian's dnsmasq and radvd, bundles from nginx, each
//! in network namespaces of its own; and servers that do on demand what no real one does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod addresses;
#[cfg(feature = "fleet")]
mod agent;
mod answers;
mod certificates;
mod device;
mod faults;
mod faulty;
#[cfg(feature = "fleet")]
mod fleet;
mod ipv6;
mod lab;
mod line;
mod links;
mod middle;
#[cfg(feature = "fleet")]
mod mutual;
mod names;
mod nginx;
mod nothing;
mod proxy;
mod recovery;
mod room;
#[cfg(feature = "lan")]
mod serve;
mod setup;
mod tls;
mod whole;
