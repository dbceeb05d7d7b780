//! Keys from PEM files.

use drydock_bundle::keys::{PrivateKey, read_public};
use drydock_fleet::Error;
use drydock_format::PublicKey;
use std::path::PathBuf;

pub(super) fn private(paths: &[PathBuf]) -> Result<Vec<PrivateKey>, Error> {
    paths.iter().map(|path| Ok(PrivateKey::read(path)?)).collect()
}

pub(super) fn public(paths: &[PathBuf]) -> Result<Vec<PublicKey>, Error> {
    paths.iter().map(|path| Ok(read_public(path)?)).collect()
}
