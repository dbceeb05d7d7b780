//! Ways to the key of a LUKS volume, tried in the configured order.

use super::discover::{Hotplug, Media, OurDisk};
use super::mounts::{MountedMedium, open_inside};
use super::{Access, DiskDevice, Error, Result};
use crate::console::Console;
use drydock_block::{is_zero, read_vec};
use drydock_config::Unlock;
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest key that is read. cryptsetup takes up to 8 MiB; nobody has one that long.
const MAX_KEY: usize = 64 * 1024;
/// Where a filesystem with a key file is mounted while it is read.
const KEY_MOUNT: &str = "/run/drydock/key";

/// A key or passphrase. It is cleared when it is no longer needed.
pub type Secret = Zeroizing<Vec<u8>>;

/// What the ways to a key make use of.
pub struct Surroundings<'a> {
    /// Our disk.
    pub disk: &'a OurDisk,
    /// For media that are plugged in.
    pub hotplug: &'a mut Hotplug,
    /// Where somebody may be asked.
    pub console: &'a Console,
    /// Where warnings go.
    pub warn: &'a mut dyn FnMut(String),
}

/// Finds keys, and remembers the ones that fitted, so that nobody is asked twice.
pub struct Unlocker<'c> {
    methods: &'c [Unlock],
    known: Vec<Secret>,
}

/// What is done with a key: `Some` if it fits, `None` if it does not.
type Accept<'f, T> = &'f mut dyn FnMut(&[u8]) -> Result<Option<T>>;

impl<'c> Unlocker<'c> {
    /// Finds keys by the given methods.
    pub fn new(methods: &'c [Unlock]) -> Self {
        Self { methods, known: vec![] }
    }

    /// Offers one key after the other until `accept` takes one or fails. `volume` is named to whoever is asked.
    /// Every method has a time limit.
    pub fn unlock<T>(
        &mut self,
        around: &mut Surroundings<'_>,
        volume: &str,
        accept: Accept<'_, T>,
    ) -> Result<T> {
        for key in &self.known {
            if let Some(found) = accept(key)? {
                return Ok(found);
            }
        }
        let mut reasons = vec![];
        for method in self.methods {
            let mut fitting = None;
            let mut offer = |key: &[u8]| {
                let found = accept(key)?;
                if found.is_some() {
                    fitting = Some(Zeroizing::new(key.to_vec()));
                }
                Ok(found)
            };
            match offer_by(method, around, volume, false, &mut offer)? {
                Ok(found) => {
                    self.known.extend(fitting);
                    return Ok(found);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(Error::Locked { volume: volume.into(), reasons })
    }

    /// The key for a new volume: from the first method that has any. A passphrase is asked for twice.
    pub fn key_for_new(&mut self, around: &mut Surroundings<'_>, volume: &str) -> Result<Secret> {
        if let Some(key) = self.known.first() {
            return Ok(key.clone());
        }
        let mut reasons = vec![];
        for method in self.methods {
            match offer_by(method, around, volume, true, &mut |key| Ok(Some(Zeroizing::new(key.to_vec()))))? {
                Ok(key) => {
                    self.known.push(key.clone());
                    return Ok(key);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(Error::Locked { volume: volume.into(), reasons })
    }
}

/// Offers the keys of one method. The inner error says why none of them served.
fn offer_by<T>(
    method: &Unlock,
    around: &mut Surroundings<'_>,
    volume: &str,
    new: bool,
    accept: Accept<'_, T>,
) -> Result<std::result::Result<T, String>> {
    match method {
        Unlock::Initramfs { file } => {
            (around.warn)(
                "a LUKS key comes from the initramfs: whoever reads the boot partition has it; this is for demos".into(),
            );
            let key = File::open(file).and_then(read_key);
            offer_one(
                "the key file in the initramfs",
                key.map_err(Error::doing(format_args!("read {file}"))),
                accept,
            )
        }
        Unlock::Partition { label, file, length } => {
            let key = around.disk.partition(label).and_then(|part| match file {
                Some(file) => key_in_filesystem(&part.node, file),
                None => raw_key(&part.node, length.unwrap_or_default()),
            });
            offer_one(&format!("the key on partition `{label}`"), key, accept)
        }
        Unlock::Medium { file, wait_seconds } => {
            let wait = Duration::from_secs(u64::from(*wait_seconds));
            let mut media = Media::new(around.disk, wait);
            let mut reasons = vec![];
            while let Some(node) = media.next(around.hotplug, around.warn)? {
                let key = key_in_filesystem(&node, file);
                if key.as_ref().is_err_and(Error::is_absence) {
                    continue;
                }
                match offer_one(&format!("{file} on {}", node.display()), key, accept)? {
                    Ok(found) => return Ok(Ok(found)),
                    // It keeps no other medium from being used.
                    Err(why) => {
                        (around.warn)(why.clone());
                        reasons.push(why);
                    }
                }
            }
            Ok(Err(match reasons.is_empty() {
                true => format!("no medium with {file} was found"),
                false => reasons.join("; "),
            }))
        }
        Unlock::Passphrase { tries, wait_seconds } => {
            let wait = Duration::from_secs(u64::from(*wait_seconds));
            ask(around.console, *tries, wait, volume, new, accept)
        }
    }
}

fn offer_one<T>(
    from: &str,
    key: Result<Secret>,
    accept: Accept<'_, T>,
) -> Result<std::result::Result<T, String>> {
    match key {
        Ok(key) => Ok(accept(&key)?.ok_or_else(|| format!("{from} does not fit"))),
        Err(error) => Ok(Err(format!("{from}: {error}"))),
    }
}

fn ask<T>(
    console: &Console,
    tries: u32,
    wait: Duration,
    volume: &str,
    new: bool,
    accept: Accept<'_, T>,
) -> Result<std::result::Result<T, String>> {
    for _ in 0..tries {
        let prompt = if new { "New passphrase" } else { "Passphrase" };
        let Some(passphrase) = console.passphrase(&format!("{prompt} for `{volume}`: "), wait) else {
            return Ok(Err("nobody typed a passphrase in time".into()));
        };
        if new && console.passphrase("The same again: ", wait).as_ref() != Some(&passphrase) {
            console.line("The two differ.");
            continue;
        }
        if let Some(found) = accept(&passphrase)? {
            return Ok(Ok(found));
        }
        console.line("This passphrase does not fit.");
    }
    Ok(Err(format!("no passphrase fitted in {tries} tries")))
}

fn key_in_filesystem(device: &Path, file: &str) -> Result<Secret> {
    let medium = MountedMedium::mount(device, Path::new(KEY_MOUNT))?;
    let inside = Path::new(file.trim_start_matches('/'));
    let opened = open_inside(medium.path(), inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    read_key(opened).map_err(Error::doing(format_args!("read {file} on {}", device.display())))
}

/// Reads a key file as it is, a line end at its end included: what `cryptsetup --key-file` takes.
fn read_key(file: File) -> io::Result<Secret> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // No buffer that grows, for what it leaves behind would not be cleared.
    let mut key = Zeroizing::new(Vec::with_capacity(MAX_KEY + 1));
    file.take(MAX_KEY as u64 + 1).read_to_end(&mut key)?;
    match key.len() {
        1..=MAX_KEY => Ok(key),
        0 => Err(io::Error::new(io::ErrorKind::InvalidData, "the key file is empty")),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the key file is larger than 64 KiB")),
    }
}

fn raw_key(device: &Path, length: u32) -> Result<Secret> {
    let length = length as usize;
    if !(1..=MAX_KEY).contains(&length) {
        return Err(Error::Unusable(format!(
            "a raw key of {length} bytes is configured; 1 to {MAX_KEY} are possible"
        )));
    }
    let partition = DiskDevice::open(device, Access::ReadOnly)?;
    let key = read_vec(&partition, 0, length).map(Zeroizing::new);
    let key = key.map_err(Error::doing(format_args!("read a key from {}", device.display())))?;
    if is_zero(&key) {
        return Err(Error::Unusable(format!("{} is blank", device.display())));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_taken_as_it_is_and_not_if_empty_or_huge() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (content, taken) in [(b"k\n".to_vec(), true), (vec![], false), (vec![1; MAX_KEY + 1], false)] {
            std::fs::write(file.path(), &content).unwrap();
            let key = read_key(File::open(file.path()).unwrap());
            assert_eq!(key.is_ok(), taken);
            assert!(key.is_err() || *key.unwrap() == content);
        }
        assert!(read_key(File::open("/dev/zero").unwrap()).is_err());
    }
}
