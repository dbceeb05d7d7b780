//! Field service: the menu on the consoles of the recovery, who may do what by it, and bundles that lie about.

use crate::units::Seconds;
use crate::words::words;
use serde::{Deserialize, Serialize};

/// The menu that the recovery has on its consoles where it has nobody's job to do, and who may do what by it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Whether what changes the device asks for a key.
    pub access: Access,
    /// Whether seeing asks for one.
    pub view: View,
    /// The keys of those who are let in.
    #[serde(rename = "key")]
    pub keys: Vec<ServiceKey>,
    /// After so long without an entry the device goes on as it would have without the menu. Default: 60.
    pub idle_seconds: Seconds,
    /// File on the data volume with the name that the device's challenges have.
    pub name_file: Option<String>,
    /// Folder on the data volume in which bundles are looked for. Default: its root.
    pub data_folder: String,
    /// Bundles on removable media.
    pub stick: Stick,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            access: Access::Keys,
            view: View::Free,
            keys: vec![],
            idle_seconds: Seconds(60),
            name_file: None,
            data_folder: String::new(),
            stick: Stick::default(),
        }
    }
}

impl Service {
    /// Returns a menu that waits as long as is usual, for everybody.
    pub fn open() -> Self {
        Self { access: Access::Open, ..Self::default() }
    }
}

/// Whether what changes the device asks for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It does.
    #[default]
    Keys,
    /// Whoever is at the console may do everything.
    Open,
}
words!(Access: Keys = "keys", Open = "open");

/// Whether seeing asks for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Everybody may see.
    #[default]
    Free,
    /// It does.
    Keys,
}
words!(View: Free = "free", Keys = "keys");

/// Somebody who is let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceKey {
    /// Who it is, as the history has it.
    pub name: String,
    /// In TOML: the line of an SSH public key, or the path of a file with one, or of a PEM file. In the initramfs: the line.
    pub key: String,
    /// What the key is for. Without this it is for everything.
    #[serde(default)]
    pub verbs: Option<Vec<String>>,
    /// The last day, in UTC, on which it is taken.
    #[serde(default)]
    pub until: Option<String>,
    /// How often it is taken on this device.
    #[serde(default)]
    pub uses: Option<u32>,
}

impl ServiceKey {
    /// Whether the key is here, and not in a file: the line begins with the kind of an SSH key, of whatever kind.
    pub fn is_line(&self) -> bool {
        let kind = self.key.split_ascii_whitespace().next().unwrap_or_default();
        kind != self.key && ["ssh-", "ecdsa-", "sk-"].iter().any(|start| kind.starts_with(start))
    }
}

/// Bundles on removable media.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stick {
    /// The folder in which they are looked for. Default: the root.
    pub folder: String,
    /// Whether somebody has to choose one.
    pub install: InstallFrom,
}

/// What becomes of a bundle on a removable medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstallFrom {
    /// It is offered in the menu.
    #[default]
    Ask,
    /// It is installed without a question where it is newer than what runs.
    Newer,
}
words!(InstallFrom: Ask = "ask", Newer = "newer");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_a_file() {
        let is_line = |key: &str| {
            ServiceKey { name: "x".into(), key: key.into(), verbs: None, until: None, uses: None }.is_line()
        };
        assert!(
            is_line("ssh-ed25519 AAAA x@y")
                && is_line("ssh-rsa AAAA")
                && is_line("sk-ssh-ed25519@openssh.com A")
        );
        assert!(!is_line("keys/anna.pub") && !is_line("ssh-keys/anna.pub") && !is_line("my keys/anna.pub"));
    }
}
