//! Reads the configuration that an integrator writes, and checks everything in it that can be checked on the build host.

mod check;
mod error;
mod fleet;
mod hooks;
mod lan;
mod load;
mod loader;
mod names;
mod network;
mod problems;
mod servers;
mod service;
mod slots;
mod text;
mod tree;

pub use error::{Error, Fault};
pub use load::{load, load_with_text};
pub use text::ConfigText;
