//! The fleet: whom the agent asks for orders, who this device is there, and when it may restart.

use crate::units::Seconds;
use crate::window::Window;
use crate::words::words;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What `drydock agent` follows: an Eclipse hawkBit server, or a channel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fleet {
    /// The address of an Eclipse hawkBit server.
    pub server: Option<String>,
    /// The tenant there. Default: `DEFAULT`.
    pub tenant: String,
    /// The address of a channel, in place of a server.
    pub channel: Option<String>,
    /// Where results go of a device that follows a channel.
    pub report_to: Option<String>,
    /// File on the data volume with the device's name; its machine id is taken where none is configured.
    pub id_file: Option<String>,
    /// File on the data volume with the device's own token.
    pub token_file: Option<String>,
    /// File on the data volume with the token that all devices of a gateway have.
    pub gateway_token_file: Option<String>,
    /// Hosts, besides the server itself, that bundles may lie on.
    pub artifact_hosts: Vec<String>,
    /// How long to wait between two polls where the server does not say. Default: 300.
    pub poll_seconds: Seconds,
    /// When the device restarts for an update.
    pub reboot: Reboot,
    /// When it may, each day.
    pub window: Option<Window>,
    /// A program and its arguments that must end well before the device restarts.
    pub gate: Vec<String>,
    /// The program and its arguments that restart the device. Default: `systemctl reboot`.
    pub reboot_command: Vec<String>,
    /// Whether somebody at the device is asked where the server wants a confirmation.
    pub confirm: Confirm,
    /// What the server is told of this device besides what drydock knows.
    pub attributes: BTreeMap<String, String>,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            server: None,
            tenant: "DEFAULT".into(),
            channel: None,
            report_to: None,
            id_file: None,
            token_file: None,
            gateway_token_file: None,
            artifact_hosts: vec![],
            poll_seconds: Seconds(300),
            reboot: Reboot::AtOnce,
            window: None,
            gate: vec![],
            reboot_command: vec!["systemctl".into(), "reboot".into()],
            confirm: Confirm::Ask,
            attributes: BTreeMap::new(),
        }
    }
}

/// When a device restarts for an update that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reboot {
    /// As soon as the gate lets it.
    #[default]
    AtOnce,
    /// In the window only.
    InWindow,
    /// When somebody says `drydock confirm`, or restarts the device; at once where the order is forced.
    Ask,
}
words!(Reboot: AtOnce = "at-once", InWindow = "in-window", Ask = "ask");

/// Who answers where the server wants a confirmation before an update is installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confirm {
    /// Somebody at the device, by `drydock confirm` or `drydock deny`.
    #[default]
    Ask,
    /// The device does, and always says yes.
    Always,
}
words!(Confirm: Ask = "ask", Always = "always");
