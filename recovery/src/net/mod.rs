//! Bundles from the network: HTTP/1.1 over TLS behind the engine's [`Remote`](drydock_engine::fetch::Remote).
//!
//! What is decided about ranges, answers and retries is in `lib/transfer` and in the engine. Here are sockets, TLS, and the
//! manners of a process that works in the background.

#[cfg(feature = "fleet")]
mod ask;
mod background;
mod client;
mod clock;
mod dial;
mod identity;
mod linked;
mod manners;
mod names;
mod open;
#[cfg(feature = "service")]
mod reach;
mod tls;
mod token;
mod transport;

#[cfg(feature = "fleet")]
pub use ask::ask;
pub use background::fetch;
pub use client::Client;
pub use clock::{RealPace, Wall, build_time};
pub use dial::{Dial, Parts};
pub use identity::{DeviceIdentity, PemIdentity, authorities};
pub use manners::{Manners, Pauses, StoodBack};
pub use names::{Names, SystemNames};
#[cfg(feature = "service")]
pub(crate) use open::linked;
pub use open::{Showing, dial, session, stream};
#[cfg(feature = "service")]
pub use reach::reach;
pub use tls::{Tls, client_config};
pub use token::Token;
