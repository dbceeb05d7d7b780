//! Ways to the key of a LUKS volume: a file in the initramfs, a partition, a medium, a person. And random bytes for new
//! keys.

mod file;
mod medium;
mod partition;
mod passphrase;
pub mod random;

pub use file::Initramfs;
pub use medium::Medium;
pub use partition::Partition;
pub use passphrase::Passphrase;

use drydock_engine::Error;
use drydock_engine::limits::DERIVATION;
use drydock_engine::machine::{Accept, Key, Offered, Secret, Verdict};
use std::time::Duration;

/// How long it may take to try one key.
const ONE_KEY: Duration = DERIVATION;

/// Offers the one key of a way, if it could be had.
fn offer_one(from: &str, key: Result<Secret, Error>, accept: Accept<'_>) -> Result<Offered, Error> {
    let key = match key {
        Ok(key) => Key::Bytes(key),
        Err(error) => return Ok(Offered::NoneFits(format!("{from}: {error}"))),
    };
    Ok(match accept(&key)? {
        Verdict::Fits => Offered::Accepted,
        Verdict::DoesNotFit(_) => Offered::NoneFits(format!("{from} does not fit")),
    })
}

/// The key of a way for a new volume, if it could be had.
fn enrol_one(from: &str, key: Result<Secret, Error>) -> Result<Key, String> {
    key.map(Key::Bytes).map_err(|error| format!("{from}: {error}"))
}
