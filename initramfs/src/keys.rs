//! Public keys: PEM files in the integrator's config, hex digits on the device.

use crate::Error;
use crate::build::fault;
use drydock_config::Source;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey;
use std::path::Path;

/// Reads the PEM files that the config names; each key becomes 64 hex digits.
///
/// # Errors
/// A file is no Ed25519 public key, or holds the same key as another: then fewer people than the config
/// seems to ask for could reach the threshold.
pub(crate) fn read_all(files: &[String], source: &Source) -> Result<Vec<String>, Error> {
    let mut keys: Vec<String> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let at = format!("signatures.keys.{index}");
        let pem = std::fs::read_to_string(file).map_err(Error::io("read the public key", Path::new(file)))?;
        let key = VerifyingKey::from_public_key_pem(&pem).map_err(|error| {
            fault(source, &at, &format!("{file} is not an Ed25519 public key in PEM form: {error}"))
        })?;
        let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        if keys.contains(&hex) {
            return Err(fault(source, &at, &format!("{file} holds a key that is listed already")));
        }
        keys.push(hex);
    }
    Ok(keys)
}
