//! Bundles from the network.

use crate::units::{Kib, Seconds};
use serde::{Deserialize, Serialize};

/// How bundles are fetched, for a drydock that was built with the feature `network`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// In TOML: paths of PEM files with the certificates of authorities that servers are certified by. In the initramfs:
    /// what is in them.
    pub ca: Vec<String>,
    /// PEM file on the data volume with this device's certificate, and those between it and its authority.
    pub client_certificate: Option<String>,
    /// PEM file on the data volume with the key of that certificate.
    pub client_key: Option<String>,
    /// The name that a server's certificate must have, whatever the address says.
    pub server_name: Option<String>,
    /// Addresses that may be asked in place of the one that is staged, in this order.
    pub mirrors: Vec<String>,
    /// The HTTP proxy that all connections go through.
    pub proxy: Option<String>,
    /// The most that is fetched in a second in the live system; 0 is no limit.
    pub rate_limit_kib: Kib,
    /// The live system pauses fetching while the load of the last minute is this high; 0 never does.
    pub pause_at_load: u32,
    /// How many tries in a row may bring nothing.
    pub tries: u32,
    /// How long to wait for a name to be resolved.
    pub resolve_seconds: Seconds,
    /// How long to wait for a connection, with TLS.
    pub connect_seconds: Seconds,
    /// How long to wait for the head of an answer.
    pub answer_seconds: Seconds,
    /// How long nothing may come in the middle of an answer.
    pub stall_seconds: Seconds,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            ca: vec![],
            client_certificate: None,
            client_key: None,
            server_name: None,
            mirrors: vec![],
            proxy: None,
            rate_limit_kib: Kib(0),
            pause_at_load: 0,
            tries: 12,
            resolve_seconds: Seconds(20),
            connect_seconds: Seconds(30),
            answer_seconds: Seconds(60),
            stall_seconds: Seconds(60),
        }
    }
}
