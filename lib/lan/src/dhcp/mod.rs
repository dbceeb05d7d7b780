//! DHCP for IPv4 (RFC 2131): an address, the way out and DNS servers, for as long as a server lends them.
//!
//! [`Client`] is told the time and what has come in, and answers with what is to be done. A server may be broken or hostile:
//! a reply that does not answer the client's own question is not looked at, an address that nobody can have is refused, and
//! whatever times a server names, the client never sends more than a packet in five seconds for a lease that it has.

mod client;
mod lease;
mod message;

pub use client::{Client, Input, Loss, Output};
pub use lease::{Lease, Route};
