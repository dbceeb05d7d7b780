//! A double of Eclipse hawkBit for tests: a server of ours that answers devices (DDI, version 1) and operators (the Management API)
//! as a real hawkBit 1.0.4 was seen to, oddities included. State is in memory, and the time can be moved.
//!
//! [`Server`] is the double, or a real server where `HAWKBIT_JAR` names one; this crate's own tests run against either, so that what
//! the double does can be held against the real one. [`Operator`] speaks the Management API to both.

mod answer;
mod clock;
mod ddi;
mod double;
mod filter;
mod http;
mod jar;
mod management;
mod operator;
mod server;
mod settings;
mod store;

pub use clock::Clock;
pub use double::Double;
pub use operator::{Kind, Operator, RolloutOf, Said};
pub use server::Server;
pub use settings::Settings;
