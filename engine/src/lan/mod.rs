//! The page on the LAN: what stands behind it, whatever serves it.

mod admit;
mod front;
mod office;

pub use admit::{answer, ask};
pub use front::Fronted;
pub use office::{Asked, Incoming, Office, Visitor};
