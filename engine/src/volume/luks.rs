//! LUKS volumes: opened, mapped, and made.

use crate::error::Error;
use crate::keys;
use crate::limits::DERIVATION;
use crate::machine::{Device, Key, Machine};
use drydock_block::BlockDevice;
use drydock_config::{Data, KDF_ITERATIONS, KDF_MEMORY};
use drydock_luks::{Cost, FormatOptions, Headers, Unlocked, Volume};

/// A partition below this many bytes gets a smaller area for key slots: room for three of them.
const SMALL: u64 = 64 << 20;
const SMALL_OFFSET: u64 = 1 << 20;

/// Opens the LUKS volume on the partition `label` of our disk, and maps it as `mapping`.
pub fn open(machine: &impl Machine, label: &str, mapping: &str) -> Result<(), Error> {
    let partition = machine.partition(label)?;
    let doing = |source| luks(&format!("open the LUKS volume `{label}`"), source);
    let volume = Volume::open(&partition, &machine.limits()?).map_err(doing)?;
    if volume.one_header_stale() {
        machine.events().warning(format_args!(
            "one of the two LUKS headers of `{label}` is damaged; the other one is used"
        ));
    }
    let unlocked = keys::unlock(machine, label, &volume)?;
    machine.map_crypt(mapping, label, volume.uuid(), &unlocked)
}

/// Maps the volume on the partition `label`, which was unlocked or made just now, as `mapping`.
pub fn map(machine: &impl Machine, label: &str, mapping: &str, unlocked: &Unlocked) -> Result<(), Error> {
    let partition = machine.partition(label)?;
    let doing = |source| luks(&format!("read the LUKS header of `{label}`"), source);
    let volume = Volume::open(&partition, &machine.limits()?).map_err(doing)?;
    machine.map_crypt(mapping, label, volume.uuid(), unlocked)
}

/// Makes a new volume for a partition in memory, at the cost that the configuration names for `data`. Writes nothing.
pub fn new(
    machine: &impl Machine,
    label: &str,
    partition: &Device,
    key: &Key,
) -> Result<(Headers, Unlocked), Error> {
    let doing = making(label);
    let Key::Bytes(key) = key else {
        return Err(Error::Refused(format!(
            "{doing}: a key that never leaves the kernel opens no key slot; configure a way to a key file or a passphrase, too"
        )));
    };
    let options = machine.format_options(partition);
    machine.events().allow(DERIVATION);
    drydock_luks::new_headers(partition.size(), key, &options, &mut |buffer| keys::random(machine, buffer))
        .map_err(|source| luks(&doing, source))
}

/// Writes the headers of a new volume to the partition `label`. On return they are on stable storage.
pub fn write(label: &str, partition: &dyn BlockDevice, headers: &Headers) -> Result<(), Error> {
    drydock_luks::write_headers(partition, headers).map_err(|source| luks(&making(label), source))
}

fn making(label: &str) -> String {
    format!("make `{label}` a LUKS volume")
}

/// Returns how a new volume on this partition is to be: as costly to open as the configuration says for `data`.
pub fn format_options(config: Option<&Data>, partition: &dyn BlockDevice) -> FormatOptions {
    let (memory, iterations) =
        config.map_or((KDF_MEMORY, KDF_ITERATIONS), |data| (data.kdf_memory_kib, data.kdf_iterations));
    let mut options = FormatOptions::new(Cost::Argon2id { memory_kib: memory.0, iterations });
    if !options.sector_size.divides(partition.size()) {
        options.sector_size = partition.sector_size();
    }
    if partition.size() < SMALL {
        options.data_offset = SMALL_OFFSET;
    }
    options
}

pub(crate) fn luks(doing: &str, source: drydock_luks::Error) -> Error {
    Error::Luks { doing: doing.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::{MemoryDevice, SectorSize};
    use drydock_config::Kib;
    use std::fs;

    #[test]
    fn a_volume_is_formatted_at_the_cost_that_the_configuration_names() {
        let device = MemoryDevice::new(4 << 20, SectorSize::S512);
        let data = Data {
            label: "data".into(),
            encrypted: true,
            provision: true,
            mount: "/var".into(),
            on_failure: drydock_config::DataFailure::Recovery,
            kdf_memory_kib: Kib(96),
            kdf_iterations: 3,
        };
        let options = format_options(Some(&data), &device);
        let mut random = |buffer: &mut [u8]| {
            buffer.fill(9);
            Ok(())
        };
        drydock_luks::format(&device, b"key", &options, &mut random).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), device.snapshot()).unwrap();
        let dump = std::process::Command::new("/sbin/cryptsetup").arg("luksDump").arg(file.path()).output();
        let dump = String::from_utf8(dump.unwrap().stdout).unwrap();
        let value = |key: &str| dump.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
        assert_eq!((value("Memory:"), value("Time cost:")), (Some("96"), Some("3")), "{dump}");
        let default = format_options(None, &device).cost;
        let Kib(memory) = KDF_MEMORY;
        assert!(
            matches!(default, Cost::Argon2id { memory_kib, iterations: KDF_ITERATIONS } if memory_kib == memory)
        );
    }
}
