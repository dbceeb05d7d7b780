//! The dm-crypt table of a volume.

use crate::{Error, KeyType, KeyringKey, Unlocked};
use drydock_block::{SectorSize, Sectors};

/// One line for device-mapper's `crypt` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The size of the mapped device.
    pub size: Sectors,
    /// The target's parameters.
    pub parameters: String,
}

impl Unlocked {
    /// The parameters of dm-crypt for this volume on `device` (`/dev/sda3` or `8:3`).
    ///
    /// The key is named, not given: the caller has put it into the kernel's keyring as a key of type `logon`
    /// under `key_description` (`drydock:data`; logon keys need the colon), so that it is in no string. A volume whose key
    /// is in the keyring already ([`KeyringKey`]) has that one named.
    pub fn table(&self, device: &str, key_description: &str) -> Result<Table, Error> {
        let bad = |text: &str| text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control());
        if bad(device) || bad(key_description) || !key_description.contains(':') {
            return Err(Error::Invalid(format!(
                "no dm-crypt table for device {device:?} and key {key_description:?}: both must be without \
                 spaces, and the key's name must have a prefix and a colon"
            )));
        }
        let mut options: Vec<String> = self.options().iter().map(|&o| o.to_owned()).collect();
        if self.sector_size() != SectorSize::S512 {
            options.push(format!("sector_size:{}", self.sector_size()));
        }
        let key = match self.keyring_key() {
            Some(key) => key.clone(),
            None => KeyringKey {
                kind: KeyType::Logon,
                description: key_description.into(),
                size: self.volume_key()?.len(),
            },
        };
        let (cipher, iv, offset) = (self.cipher(), self.iv_offset(), self.payload_offset());
        let mut parameters = format!("{cipher} {key} {iv} {device} {offset}");
        if !options.is_empty() {
            parameters.push_str(&format!(" {} {}", options.len(), options.join(" ")));
        }
        Ok(Table { size: self.payload_size(), parameters })
    }
}
