//! Private keys of technicians, as OpenSSH keeps them (PROTOCOL.key), with a passphrase or without.

use crate::Error;
use crate::keys::PrivateKey;
use ed25519_dalek::SigningKey;
use ssh_key::private::KeypairData;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// The largest key file in bytes that is looked at.
const MAX_FILE: u64 = 1 << 16;
/// What such a file begins with.
const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";

impl PrivateKey {
    /// Reads the private key in a file, as `ssh-keygen -t ed25519` writes it, or in PEM ([`PrivateKey::read`]). `passphrase` is
    /// asked for one where the key is encrypted.
    ///
    /// # Errors
    /// The file can't be read, the key is of another kind, or the passphrase is not its own.
    pub fn read_ssh(
        path: &Path,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, Error>,
    ) -> Result<Self, Error> {
        let unfit = |problem: String| Error::KeyFile { path: path.into(), problem };
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
        let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
        read.map_err(|source| Error::File { doing: "reading the key", path: path.into(), source })?;
        if text.len() as u64 > MAX_FILE {
            return Err(unfit("it is far too large".into()));
        }
        let Some(start) = text.windows(BEGIN.len()).position(|part| part == BEGIN.as_bytes()) else {
            if text.starts_with(b"ssh-") {
                return Err(unfit("it is a public key; name the private one, without .pub".into()));
            }
            return Self::read(path);
        };
        let mut key = ssh_key::PrivateKey::from_openssh(text.get(start..).unwrap_or_default())
            .map_err(|why| unfit(format!("not a private key of OpenSSH: {why}")))?;
        if key.is_encrypted() {
            key = key
                .decrypt(passphrase()?.as_bytes())
                .map_err(|_| unfit("it does not open with this passphrase; try again".into()))?;
        }
        match key.key_data() {
            KeypairData::Ed25519(pair) => Ok(Self(SigningKey::from_bytes(&pair.private.to_bytes()))),
            _ => Err(unfit(format!(
                "it is of the kind {}; only ssh-ed25519 is taken (ssh-keygen -t ed25519)",
                key.algorithm()
            ))),
        }
    }
}
