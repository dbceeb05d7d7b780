//! The recovery's network against real servers (Debian's dnsmasq and radvd), each test in network namespaces of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod addresses;
mod ipv6;
mod lab;
mod names;
mod nothing;
