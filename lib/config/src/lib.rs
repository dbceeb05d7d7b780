//! The device's configuration.
//!
//! The integrator writes TOML. It is checked once, on the build host (`drydock-config-load`), and the initramfs carries it
//! as JSON, the form that is cheapest to read there ([`Config::from_json`]). The same types serve both, so a key means
//! the same in both places. `docs/config.md` lists every key.

mod error;
mod names;
mod network;
mod reset;
mod types;
mod units;

pub use error::Error;
pub use names::{DATA_MAPPING, ROOT_MAPPING, VOLUME_MAPPING, base_mapping, proof_mapping};
pub use network::Network;
pub use reset::*;
pub use types::*;
pub use units::{Kib, Mib, Seconds};

impl Config {
    /// Reads what [`Config::to_json`] wrote. Unknown keys are refused; values are not checked again, because
    /// whoever can change this file can change the program that reads it.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(Error)
    }

    /// The form that a device reads. The same configuration always gives the same bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error)
    }
}
