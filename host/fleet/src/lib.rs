//! What an operator does with a fleet: uploads releases to a server, hands them out to devices, and learns what became of
//! them. The server is Eclipse hawkBit, by its Management API.

mod assign;
mod base;
pub mod channel;
mod client;
pub mod collect;
mod credentials;
mod error;
mod model;
mod name;
mod order;
mod push;
mod query;
mod release;
pub mod rollout;
pub mod sets;
mod status;
mod tls;
mod upload;
mod watch;

pub use assign::{Assigned, Cancel, assign, cancel};
pub use base::{Base, Plain};
pub use client::{Client, printable};
pub use credentials::Credentials;
pub use error::Error;
pub use model::Set;
pub use name::Name;
pub use order::{Force, Order, Window};
pub use push::{Place, Pushed, push};
pub use release::Release;
pub use status::{Messages, Row, Told, status};
pub use watch::Watch;
