//! The device's configuration.
//!
//! The integrator writes TOML. It is checked once, on the build host (feature `toml`), and the initramfs
//! carries it as JSON, the form that is cheapest to read there. The same types serve both, so a key means
//! the same in both places. `docs/config.md` lists every key.

mod types;

pub use types::*;
