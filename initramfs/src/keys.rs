//! Public keys: PEM files in the integrator's config, hex digits on the device.

use crate::Error;
use drydock_bundle::keys::read_public;
use drydock_config_load::ConfigText;
use std::path::Path;

/// Reads the PEM files that the config names; each key becomes 64 hex digits.
///
/// # Errors
/// A file is no usable Ed25519 public key, or holds the same key as another: then fewer people than the config
/// seems to ask for could reach the threshold.
pub(crate) fn read_all(files: &[String], text: &ConfigText) -> Result<Vec<String>, Error> {
    let mut keys: Vec<String> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let at = format!("signatures.keys.{index}");
        let key =
            read_public(Path::new(file)).map_err(|error| Error::fault(text, &at, &error.to_string()))?;
        let hex = key.to_string();
        if keys.contains(&hex) {
            return Err(Error::fault(text, &at, &format!("{file} holds a key that is listed already")));
        }
        keys.push(hex);
    }
    Ok(keys)
}
