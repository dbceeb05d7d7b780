//! The page on the LAN: what stands behind it, whatever serves it.

mod admit;
mod mailbox;
mod office;
mod summary;

pub(crate) use admit::request;
pub use admit::{answer, ask};
pub use mailbox::{Letter, Mailbox, Piece, Posted, Received, Reply};
pub use office::{Asked, Incoming, Office, Visitor};
pub use summary::summary;
