//! The page on the LAN: where it is, and what it takes.

use crate::units::Mib;
use serde::{Deserialize, Serialize};

/// The page on the LAN. Without this part there is none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lan {
    /// Whether the recovery has it, on the interfaces of `[[network.interface]]`. Default: no.
    pub recovery: bool,
    /// The port. Default: 443.
    pub port: u16,
    /// The addresses that `drydock serve` listens at. Default: all.
    pub listen: Vec<String>,
    /// Names that lead to this device, besides its addresses: no other one is answered.
    pub names: Vec<String>,
    /// The largest bundle that is taken. Default: 0, which is whatever there is room for.
    pub upload_mib: Mib,
}

impl Default for Lan {
    fn default() -> Self {
        Self { recovery: false, port: 443, listen: vec![], names: vec![], upload_mib: Mib(0) }
    }
}
