//! Key files.

use super::{ONE_KEY, enrol_one, offer_one};
use crate::mount::{MountedMedium, open_inside};
use drydock_config::MAX_KEY;
use drydock_engine::Error;
use drydock_engine::event::Events;
use drydock_engine::machine::{Accept, Key, KeyProvider, Offered, Secret};
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where a filesystem with a key is mounted.
const KEY_MOUNT: &str = "/run/drydock/key";

/// The key file that the initramfs carries.
pub struct Initramfs<'a> {
    /// Its path.
    pub file: String,
    /// Where the warning goes that this is for demos.
    pub events: &'a dyn Events,
}

impl Initramfs<'_> {
    const NAME: &'static str = "the key file in the initramfs";

    fn key(&self) -> Result<Secret, Error> {
        self.events.warning(
            "a LUKS key comes from the initramfs: whoever reads the boot partition has it; this is for demos",
        );
        File::open(&self.file).and_then(read_key).map_err(Error::doing(format_args!("read {}", self.file)))
    }
}

impl KeyProvider for Initramfs<'_> {
    fn limit(&self) -> Duration {
        ONE_KEY
    }

    fn offer(&mut self, _volume: &str, accept: Accept<'_>) -> Result<Offered, Error> {
        offer_one(Self::NAME, self.key(), accept)
    }

    fn enrol(&mut self, _volume: &str) -> Result<Result<Key, String>, Error> {
        Ok(enrol_one(Self::NAME, self.key()))
    }
}

/// Returns the key in a file of the filesystem on a device, which is mounted for that moment.
pub(super) fn in_filesystem(device: &Path, file: &str) -> Result<Secret, Error> {
    let medium = MountedMedium::mount(device, Path::new(KEY_MOUNT))?;
    let inside = Path::new(file.trim_start_matches('/'));
    let opened = open_inside(medium.path(), inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    read_key(opened).map_err(Error::doing(format_args!("read {file} on {}", device.display())))
}

/// Reads a key file as it is, a line end at its end included: what `cryptsetup --key-file` takes.
fn read_key(mut file: File) -> io::Result<Secret> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    match metadata.len() {
        0 => Err(io::Error::new(io::ErrorKind::InvalidData, "the key file is empty")),
        len if len <= u64::from(MAX_KEY) => {
            // No buffer that grows, for what it leaves behind would not be cleared.
            let mut key = Zeroizing::new(vec![0; len as usize]);
            file.read_exact(&mut key)?;
            Ok(key)
        }
        len => {
            let why = format!("the key file has {len} bytes, more than the {MAX_KEY} of the longest key");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = MAX_KEY as usize;

    #[test]
    fn a_key_file_is_taken_as_it_is_and_not_if_empty_or_huge() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (content, taken) in [
            (b"k\n".to_vec(), true),
            (vec![1; 100_000], true),
            (vec![1; LONGEST], true),
            (vec![], false),
            (vec![1; LONGEST + 1], false),
        ] {
            std::fs::write(file.path(), &content).unwrap();
            let key = read_key(File::open(file.path()).unwrap());
            assert_eq!(key.is_ok(), taken, "{} bytes", content.len());
            assert!(key.is_err() || *key.unwrap() == content);
        }
        assert!(read_key(File::open("/dev/zero").unwrap()).is_err());
    }
}
