//! What a device says and hears on a network until it can speak to a server by name: [`dhcp`], [`router`] advertisements
//! and [`dns`], as bytes and as state machines.
//!
//! Nothing here opens a socket or looks at a clock: packets and times come in, packets and answers come out. Nobody vouches
//! for a packet, so each is checked against what was asked, and what it can cost is bounded. The fields of packets are read
//! and written by the crate `smoltcp`; its network stack is not used.

pub mod dhcp;
pub mod dns;
pub mod frame;
mod random;
pub mod router;

pub use frame::Mac;
