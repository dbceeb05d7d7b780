//! The device's configuration.
//!
//! The integrator writes TOML. It is checked once, on the build host (`drydock-config-load`), and the initramfs carries it
//! as JSON, the form that is cheapest to read there ([`Config::from_json`]). The same types serve both, so a key means
//! the same in both places. `docs/config.md` lists every key.

mod classes;
mod error;
#[cfg(feature = "fleet")]
mod fleet;
#[cfg(feature = "hooks")]
mod gates;
mod hardware;
#[cfg(feature = "hooks")]
mod hooks;
#[cfg(not(all(feature = "fleet", feature = "lan", feature = "files", feature = "hooks")))]
mod ignored;
#[cfg(feature = "lan")]
mod lan;
mod layout;
mod names;
#[cfg(feature = "network")]
mod network;
mod reset;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "files")]
mod tree;
mod types;
mod u_boot;
mod units;
mod unlock;
mod whole;
#[cfg(any(feature = "fleet", feature = "hooks"))]
mod window;
mod words;

pub use error::Error;
#[cfg(feature = "fleet")]
pub use fleet::{Confirm, Fleet, Reboot};
#[cfg(feature = "hooks")]
pub use gates::{BootReason, Condition, Day, Gate, JobKind, Unreadable};
pub use hardware::{Hardware, HardwareKind, Revision};
#[cfg(feature = "hooks")]
pub use hooks::{Hook, HookPlace};
#[cfg(feature = "lan")]
pub use lan::Lan;
pub use layout::{Bootloader, Initramfs, Layout};
pub use names::{DATA_MAPPING, ROOT_MAPPING, VOLUME_MAPPING, base_mapping, proof_mapping};
#[cfg(feature = "network")]
pub use network::{Address, Interface, Ipv4, Ipv6, Network};
pub use reset::*;
#[cfg(feature = "service")]
pub use service::{Access, InstallFrom, Service, ServiceKey, Stick, View};
#[cfg(feature = "files")]
pub use tree::{Share, Tree};
pub use types::*;
pub use u_boot::{MOST_ENVIRONMENT, UBoot};
pub use units::{Kib, Mib, Seconds};
pub use unlock::{MAX_KEY, Unlock};
pub use whole::Config;
#[cfg(any(feature = "fleet", feature = "hooks"))]
pub use window::Window;

/// What a device binary says that was built without a network, where it should use one. Only such a binary has this text in
/// it, by which who builds an initramfs knows it.
pub const WITHOUT_NETWORK: &str =
    "this drydock was built without the feature `network`; take the bundle from a file or a medium";

/// What a device binary says that was built without an agent, where it should be one. As [`WITHOUT_NETWORK`].
pub const WITHOUT_FLEET: &str =
    "this drydock was built without the feature `fleet`, and has no agent; stage bundles by hand";

/// What a device binary says that was built without field service, where it should have one. As [`WITHOUT_NETWORK`].
pub const WITHOUT_SERVICE: &str = "this drydock was built without the feature `service`";

/// What a device binary says that was built without the page on the LAN, where it should have it. As [`WITHOUT_NETWORK`].
pub const WITHOUT_LAN: &str = "this drydock was built without the feature `lan`, and has no page";

/// What a device binary says that was built without trees of files, where it should make one. As [`WITHOUT_NETWORK`].
pub const WITHOUT_FILES: &str = "this drydock was built without the feature `files`, and makes no trees";

/// What a device binary says that was built without hooks and gates, where the configuration has some. As
/// [`WITHOUT_NETWORK`].
pub const WITHOUT_HOOKS: &str =
    "this drydock was built without the feature `hooks`, and the configuration has some";
impl Config {
    /// Reads what [`Config::to_json`] wrote, and keeps it as [`Config::json`]. Unknown keys are refused; values are not checked again, because
    /// whoever can change this file can change the program that reads it.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let mut config: Self = drydock_json::from_slice(json).map_err(Error)?;
        config.json = json.to_vec();
        Ok(config)
    }

    /// The form that a device reads. The same configuration always gives the same bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error)
    }
}
