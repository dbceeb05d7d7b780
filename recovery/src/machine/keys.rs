//! Keys: the configured ways to them, and what a derivation may cost.

use super::Hardware;
use super::memory::memory_available_kib;
use crate::keys::{Initramfs, Medium, Partition, Passphrase, random};
use drydock_config::Unlock;
use drydock_engine::Error;
use drydock_engine::machine::{KeyProvider, Keys, Random, Ring};
use drydock_luks::Limits;
use std::io;
use std::sync::Mutex;

/// What a key derivation leaves to everything else, in KiB.
const RESERVE_KIB: u64 = 16 * 1024;

impl Keys for Hardware<'_> {
    fn key_providers(&self) -> Vec<Box<dyn KeyProvider + '_>> {
        let provider = |way: &'_ Unlock| -> Box<dyn KeyProvider + '_> {
            match way {
                Unlock::Initramfs { file } => Box::new(Initramfs { file: file.clone(), events: self.events }),
                Unlock::Partition { label, file, length } => Box::new(Partition {
                    label: label.clone(),
                    file: file.clone(),
                    length: length.unwrap_or_default(),
                    disk: &self.disk,
                }),
                Unlock::Medium { file, wait_seconds } => {
                    Box::new(Medium::new(file.clone(), *wait_seconds, self.events, &self.disk, &self.hotplug))
                }
                Unlock::Passphrase { tries, wait_seconds } => {
                    Box::new(Passphrase::new(*tries, *wait_seconds, self.console))
                }
            }
        };
        self.config.unlock.iter().map(provider).collect()
    }

    fn ring(&self) -> &Mutex<Ring> {
        &self.ring
    }

    fn limits(&self) -> Result<Limits, Error> {
        let text = std::fs::read_to_string("/proc/meminfo").map_err(Error::doing("read /proc/meminfo"))?;
        let available = memory_available_kib(&text).ok_or_else(|| {
            Error::Unusable("/proc/meminfo does not say how much memory is available".into())
        })?;
        Ok(Limits::new(available.saturating_sub(RESERVE_KIB)))
    }

    fn random(&self, purpose: Random, buffer: &mut [u8]) -> io::Result<()> {
        match purpose {
            Random::Keys => random::for_keys(buffer),
            Random::Names => random::for_names(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;
    use crate::disk::choice::Disk;
    use crate::disk::discover::{Hotplug, OurDisk};
    use crate::disk::modules::Aliases;
    use crate::disk::uevent::Uevents;
    use crate::machine::Part;
    use drydock_block::{MemoryDevice, SectorSize};
    use drydock_config::Config;
    use drydock_engine::event::Silent;
    use drydock_luks::{Cost, FormatOptions, Volume};

    #[test]
    fn a_key_slot_that_cannot_be_tried_keeps_no_other_way_from_being_tried_and_is_named_once() {
        let device = MemoryDevice::new(4 << 20, SectorSize::S512);
        let cheap = Cost::Pbkdf2 { iterations: 1000 };
        let options = FormatOptions { data_offset: 2 << 20, ..FormatOptions::new(cheap) };
        let unlocked = drydock_luks::format(&device, b"key", &options, &mut random::for_keys).unwrap();
        let costly = Cost::Argon2id { memory_kib: 2048, iterations: 1 };
        let mut volume = Volume::open(&device, &Limits::new(4096)).unwrap();
        volume.add_key(&unlocked, b"stranger", costly, &mut random::for_keys).unwrap();
        let volume = Volume::open(&device, &Limits::new(1024)).unwrap();

        let keys = [b"key".as_slice(), b"stranger", b"wrong"].map(|key| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), key).unwrap();
            file
        });
        let disk = OurDisk {
            node: "/nowhere".into(),
            facts: Disk {
                name: "nowhere".into(),
                bus_paths: vec![],
                removable: false,
                table: Err("none".into()),
            },
            partitions: vec![],
        };
        let by = |order: &[usize]| {
            let way = |n: &usize| Unlock::Initramfs { file: keys[*n].path().display().to_string() };
            let mut config = Config::new("test", vec![], String::new());
            config.unlock = order.iter().map(way).collect();
            let console = Console::on(vec![]).unwrap();
            let hotplug = Hotplug { events: Uevents::open().unwrap(), aliases: Aliases::default() };
            let machine = Hardware::new(&config, &Silent, &console, Part::Command, disk.clone(), hotplug);
            drydock_engine::keys::unlock(&machine, "data", &volume)
        };
        assert_eq!(by(&[1, 2, 0]).unwrap().slot(), Some(0));
        let message = by(&[1, 2]).unwrap_err().to_string();
        assert_eq!(message.matches("does not fit").count(), 2, "{message}");
        assert_eq!(message.matches("key slot 1 needs 2048 KiB").count(), 1, "{message}");
    }
}
