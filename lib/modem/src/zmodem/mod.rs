//! ZMODEM: a stream of data with check sums, which goes back to where something was lost.
//!
//! [`Receive`] receives, [`Sender`] sends.

mod header;
mod receive;
mod send;
mod subpacket;
mod wire;

pub(crate) use header::{Found, Hunt, Kind};
pub(crate) use receive::{Receive, With};
pub use send::Sender;
pub(crate) use wire::CANCEL;
