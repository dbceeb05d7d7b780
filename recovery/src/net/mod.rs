//! Bundles from the network: HTTP/1.1 over TLS behind the engine's [`Remote`](drydock_engine::fetch::Remote).
//!
//! What is decided about ranges, answers and retries is in `lib/transfer` and in the engine. Here are sockets, TLS, and the
//! manners of a process that works in the background.

mod client;
mod clock;
mod identity;
mod keep;
mod linked;
mod manners;
mod names;
mod open;
mod tls;
mod transport;

pub use client::{Client, Parts};
pub use clock::{RealPace, Wall, build_time};
pub use identity::{DeviceIdentity, PemIdentity, authorities};
pub use keep::KeptFile;
pub use manners::{Manners, Pauses, stand_back};
pub use names::{Names, SystemNames};
pub use open::{session, stream};
pub use tls::{Tls, client_config};
