//! The agent of the live system: it asks a fleet's server what to do, does it, and tells what has become of it.
//!
//! One rule makes it true after a cut of power at any moment: what the device has done is in its state record, and nowhere else;
//! what the server has is asked of the server. An order becomes an intent in one write that carries both numbers, its outcome
//! is read from the record ([`standing`]), and it stays in the record until the server has taken its end.

mod agent;
mod answer;
mod attributes;
mod choose;
mod following;
mod hawkbit;
mod host;
mod install;
mod keeping;
pub mod pause;
mod restart;
mod standing;
mod turn;

pub use agent::{Agent, Round};
pub use answer::answer;
pub use choose::PIN;
pub use host::{Answer, Credentials, Host, Method, Request};
pub use restart::{May, may_restart};
pub use standing::{Standing, standing};
