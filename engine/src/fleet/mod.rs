//! The agent.

mod host;

pub use host::{Answer, Credentials, Host, Method, Request};
