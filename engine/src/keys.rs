//! Ways to the key of a LUKS volume, tried in the configured order.

use crate::error::Error;
use crate::limits::{DERIVATION, ENTROPY};
use crate::machine::{Key, Machine, Offered, Random, Ring, Verdict};
use drydock_luks::{Unlocked, Volume};
use std::sync::{MutexGuard, PoisonError};

/// Offers one key after the other until the volume opens. If none serves, the error has a reason for each of the ways,
/// and says once what could not be tried.
pub fn unlock(machine: &impl Machine, label: &str, volume: &Volume<'_>) -> Result<Unlocked, Error> {
    let mut ring = ring(machine);
    let mut opened = None;
    let mut untried = Vec::new();
    let mut fitting = None;
    let mut accept = |key: &Key| match try_key(label, volume, key)? {
        Ok(unlocked) => {
            opened = Some(unlocked);
            fitting = Some(key.clone());
            Ok(Verdict::Fits)
        }
        Err(left_out) => {
            untried.clone_from(&left_out);
            Ok(Verdict::DoesNotFit(left_out))
        }
    };
    machine.events().allow(DERIVATION);
    for key in &ring.known {
        if accept(key)? == Verdict::Fits {
            return opened.ok_or_else(|| no_key(label, Vec::new()));
        }
    }
    let mut reasons = Vec::new();
    for mut provider in machine.key_providers() {
        machine.events().allow(provider.limit());
        match provider.offer(label, &mut accept)? {
            Offered::Accepted => break,
            Offered::NoneFits(reason) => reasons.push(reason),
        }
    }
    ring.known.extend(fitting);
    opened.ok_or_else(|| {
        reasons.append(&mut untried);
        no_key(label, reasons)
    })
}

fn try_key(label: &str, volume: &Volume<'_>, key: &Key) -> Result<Result<Unlocked, Vec<String>>, Error> {
    let opened = match key {
        Key::Bytes(bytes) => volume.unlock(bytes),
        Key::Keyring(key) => volume.unlock_by_keyring(key),
    };
    match opened {
        Ok(unlocked) => Ok(Ok(unlocked)),
        Err(drydock_luks::Error::WrongKey { left_out, .. }) => {
            Ok(Err(left_out.iter().map(ToString::to_string).collect()))
        }
        Err(source) => Err(Error::Luks { doing: format!("open the LUKS volume `{label}`"), source }),
    }
}

/// Returns the key for a new volume: one that has fitted another, else from the first way that has any.
pub fn for_new(machine: &impl Machine, label: &str) -> Result<Key, Error> {
    let mut ring = ring(machine);
    if let Some(key) = ring.known.first() {
        return Ok(key.clone());
    }
    let mut reasons = Vec::new();
    for mut provider in machine.key_providers() {
        machine.events().allow(provider.limit() + ENTROPY);
        match provider.enrol(label)? {
            Ok(key) => {
                ring.known.push(key.clone());
                return Ok(key);
            }
            Err(reason) => reasons.push(reason),
        }
    }
    Err(no_key(label, reasons))
}

/// Fills a buffer with random bytes that are fit for keys.
pub fn random(machine: &impl Machine, buffer: &mut [u8]) -> std::io::Result<()> {
    machine.events().allow(ENTROPY);
    machine.random(Random::Keys, buffer)
}

fn ring(machine: &impl Machine) -> MutexGuard<'_, Ring> {
    machine.ring().lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_key(label: &str, reasons: Vec<String>) -> Error {
    Error::Locked { volume: label.into(), reasons }
}
