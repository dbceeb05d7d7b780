//! A key on a partition of our disk: in a file of its filesystem, or raw.

use super::{ONE_KEY, enrol_one, file, offer_one};
use crate::disk::discover::OurDisk;
use crate::disk::{Access, DiskDevice};
use drydock_block::{AlignedBuffer, BlockDevice, is_erased};
use drydock_config::MAX_KEY;
use drydock_engine::Error;
use drydock_engine::machine::{Accept, Key, KeyProvider, Offered, Secret};
use std::io;
use std::path::Path;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// The key on a partition.
pub struct Partition<'a> {
    /// The partition's label.
    pub label: String,
    /// The file that has the key; raw bytes at the partition's start if there is none.
    pub file: Option<String>,
    /// How many raw bytes.
    pub length: u32,
    /// Our disk.
    pub disk: &'a OurDisk,
}

impl Partition<'_> {
    fn name(&self) -> String {
        format!("the key on partition `{}`", self.label)
    }

    fn key(&self) -> Result<Secret, Error> {
        let node = &self.disk.partition(&self.label)?.node;
        match &self.file {
            Some(path) => file::in_filesystem(node, path),
            None => raw_key(node, self.length),
        }
    }
}

impl KeyProvider for Partition<'_> {
    fn limit(&self) -> Duration {
        ONE_KEY
    }

    fn offer(&mut self, _volume: &str, accept: Accept<'_>) -> Result<Offered, Error> {
        offer_one(&self.name(), self.key(), accept)
    }

    fn enrol(&mut self, _volume: &str) -> Result<Result<Key, String>, Error> {
        Ok(enrol_one(&self.name(), self.key()))
    }
}

fn raw_key(device: &Path, length: u32) -> Result<Secret, Error> {
    if !(1..=MAX_KEY).contains(&length) {
        return Err(Error::Unusable(format!(
            "a raw key of {length} bytes is configured; 1 to {MAX_KEY} are possible"
        )));
    }
    let partition = DiskDevice::open(device, Access::ReadOnly)?;
    let key = first_bytes(&partition, length as usize);
    let key = key.map_err(Error::doing(format_args!("read a key from {}", device.display())))?;
    // Nobody meant an erased eMMC to be the key of a volume.
    if is_erased(&key) {
        return Err(Error::Unusable(format!("{} is blank", device.display())));
    }
    Ok(key)
}

/// Reads in place: the memory through which other reads may go is not cleared.
fn first_bytes(device: &dyn BlockDevice, length: usize) -> io::Result<Secret> {
    let mut sectors = AlignedBuffer::new(device.sector_size().round_up(length));
    let read = device.read_at(0, &mut sectors);
    let key = Zeroizing::new(sectors[..length].to_vec());
    sectors.zeroize();
    read.map(|()| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::{MemoryDevice, SectorSize};

    const LONGEST: usize = MAX_KEY as usize;

    #[test]
    fn a_raw_key_may_be_as_long_as_the_longest_key_file() {
        let bytes: Vec<u8> = (0..LONGEST + 4096).map(|n| (n % 251) as u8).collect();
        for sector_size in [SectorSize::S512, SectorSize::S4096] {
            let device = MemoryDevice::from_bytes(bytes.clone(), sector_size);
            for length in [1, 32, 511, 4096, 100_000, LONGEST] {
                assert!(*first_bytes(&device, length).unwrap() == bytes[..length], "{length} bytes");
            }
            assert!(first_bytes(&device, LONGEST + 4097).is_err());
        }
    }
}
