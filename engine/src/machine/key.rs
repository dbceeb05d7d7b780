//! What keys are, and who provides them.

use crate::error::Error;
use drydock_luks::KeyringKey;
use std::time::Duration;
use zeroize::Zeroizing;

/// A key or passphrase. It is cleared when it is no longer needed.
pub type Secret = Zeroizing<Vec<u8>>;

/// What opens a volume.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// A passphrase or the contents of a key file, for the volume's key slots.
    Bytes(Secret),
    /// A key that is in the kernel's keyring and never shows its bytes, as a TPM's or a TEE's trusted key: it is the
    /// volume's own key, and takes no part in key slots.
    Keyring(KeyringKey),
}

/// What became of a key that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// It does not. It may be the key of a key slot that could not be tried; why not is listed.
    DoesNotFit(Vec<String>),
}

/// What became of all keys of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// One was accepted.
    Accepted,
    /// None was; the text says why, for whoever has to provide another one.
    NoneFits(String),
}

/// What is done with a key. An error ends the search: no key can serve.
pub type Accept<'a> = &'a mut dyn FnMut(&Key) -> Result<Verdict, Error>;

/// One way to a key: a file, a partition, a medium, a person; later a TPM or a TEE.
pub trait KeyProvider {
    /// Returns how long [`offer`](Self::offer) and [`enrol`](Self::enrol) may take, with the derivations.
    fn limit(&self) -> Duration;

    /// Offers one key after the other until one is accepted. `volume` is named to whoever is asked.
    fn offer(&mut self, volume: &str, accept: Accept<'_>) -> Result<Offered, Error>;

    /// Returns the key that a new volume shall open with, or why there is none. A person is asked twice; a TPM makes one.
    fn enrol(&mut self, volume: &str) -> Result<Result<Key, String>, Error>;
}

/// The keys that have fitted, so that nobody is asked twice.
#[derive(Default)]
pub struct Ring {
    /// The keys.
    pub known: Vec<Key>,
}
