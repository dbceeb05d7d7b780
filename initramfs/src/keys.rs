//! Public keys: files in the integrator's config, their contents on the device.

use crate::Error;
use drydock_access::{parse_key_line, to_key_line};
use drydock_bundle::keys::read_public;
use drydock_config::ServiceKey;
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

/// Reads the keys of technicians: what is a file becomes the line of an SSH key, and what is a line loses its comment.
///
/// # Errors
/// A file is no usable Ed25519 public key, or a key is there twice: it would not be clear what it is for.
pub(crate) fn read_service(keys: &mut [ServiceKey], text: &ConfigText) -> Result<(), Error> {
    let mut lines: Vec<String> = Vec::new();
    for (index, key) in keys.iter_mut().enumerate() {
        let at = format!("service.key.{index}.key");
        let fault = |why: String| Error::fault(text, &at, &why);
        let line = match key.is_line() {
            true => key.key.clone(),
            false => {
                let file = std::fs::read_to_string(&key.key);
                file.map_err(|error| fault(format!("{}: {error}", key.key)))?
            }
        };
        let public = if line.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
            return Err(fault(format!("{} is a private key; name its public half, the file .pub", key.key)));
        } else if line.contains("-----BEGIN") {
            read_public(Path::new(&key.key)).map_err(|error| fault(error.to_string()))?
        } else {
            parse_key_line(&line).map_err(|why| fault(why.to_string()))?
        };
        key.key = to_key_line(&public);
        if lines.contains(&key.key) {
            return Err(fault(format!("the key of `{}` is listed already", key.name)));
        }
        lines.push(key.key.clone());
    }
    Ok(())
}

/// Reads the PEM files with certificates of authorities that the config names; each becomes what is in it.
///
/// # Errors
/// A file holds no certificate, or is no text.
pub(crate) fn read_authorities(files: &[String], text: &ConfigText) -> Result<Vec<String>, Error> {
    let read = |(index, file): (usize, &String)| {
        let fault = |why: &str| Error::fault(text, &format!("network.ca.{index}"), why);
        let pem = std::fs::read_to_string(file).map_err(|error| fault(&format!("{file}: {error}")))?;
        match pem.contains("-----BEGIN CERTIFICATE-----") {
            true => Ok(pem),
            false => Err(fault(&format!("{file} holds no certificate in PEM"))),
        }
    };
    files.iter().enumerate().map(read).collect()
}
