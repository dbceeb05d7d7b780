//! The `data` volume: opened, made where it is missing, and mounted. And LUKS volumes in general.

use super::mapper::{self, Mapped};
use super::unlock::{Surroundings, Unlocker};
use super::{Access, Answer, DiskDevice, Error, Result, ext4, mounts, random};
use drydock_block::BlockDevice;
use drydock_config::{DATA_MAPPING, Data, KDF_ITERATIONS, KDF_MEMORY_KIB};
use drydock_engine::volume::ext4::{Identity, format};
use drydock_engine::volume::provision::{self, Content};
use drydock_engine::volume::torn::{journal, superblock};
use drydock_luks::{Cost, FormatOptions, Limits, Unlocked, Volume};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sys_mount::MountFlags;

/// What a key derivation leaves to everything else, in KiB.
const RESERVE_KIB: u64 = 16 * 1024;
/// How long a key derivation may take without a sign of life.
pub const DERIVATION: Duration = Duration::from_secs(120);
/// A partition below this many bytes gets a smaller area for key slots: room for three of them.
const SMALL: u64 = 64 << 20;
const SMALL_OFFSET: u64 = 1 << 20;

/// The `data` volume, ready to be mounted.
#[derive(Clone, Debug)]
pub struct DataVolume {
    /// The node with the filesystem.
    pub node: PathBuf,
    /// The mapping, if it is encrypted.
    pub mapped: Option<Mapped>,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Opens the `data` volume of our disk. A blank partition is made into one first, where the configuration
/// allows it; so is one that was being made when the power went.
pub fn open(around: &mut Surroundings<'_>, unlocker: &mut Unlocker<'_>, config: &Data) -> Result<DataVolume> {
    let partition = around.disk.partition(&config.label)?.node.clone();
    let device = DiskDevice::open_if_only_to_read(&partition, Access::Exclusive)?;
    let content = provision::content(&device)?;
    let is_new = content != Content::Used;
    if is_new && !config.provision {
        return Err(Error::Unusable(format!(
            "`{}` is blank; a set that is started makes a volume there where the configuration has `data.provision = true`, else write one to it",
            config.label
        )));
    }
    if !is_new {
        drop(device);
        let mapped = match config.encrypted {
            true => Some(open_luks(around, unlocker, &config.label, DATA_MAPPING)?),
            false => None,
        };
        let node = mapped.as_ref().map_or(partition, |mapped| mapped.node.clone());
        return Ok(DataVolume { node, mapped, is_new });
    }
    let key = match config.encrypted {
        true => Some(unlocker.key_for_new(around, &config.label)?),
        false => None,
    };
    provision::begin(&device)?;
    let mapped = match key {
        None => {
            format(&device, &Identity::random(random::for_names)?)?;
            None
        }
        Some(key) => {
            let unlocked = format_luks(&device, &key, config)?;
            drop(device);
            Some(map_new(&partition, &unlocked)?)
        }
    };
    provision::finish(&DiskDevice::open(&partition, Access::ReadWrite)?)?;
    let node = mapped.as_ref().map_or(partition, |mapped| mapped.node.clone());
    Ok(DataVolume { node, mapped, is_new })
}

impl DataVolume {
    /// Mounts it and grows its filesystem to the size of the volume, if it is smaller. That it cannot grow is
    /// only a warning. Says whether it can be written to; on a disk that takes no writes it is mounted all the same.
    pub fn mount(&self, target: &Path, warn: &mut dyn FnMut(String)) -> Result<bool> {
        let size = DiskDevice::open(&self.node, Access::ReadOnly)?.size();
        let mend = |what: &str, mend: fn(&DiskDevice) -> Result<bool>, warn: &mut dyn FnMut(String)| {
            let device = DiskDevice::open_if_only_to_read(&self.node, Access::Exclusive);
            match device.and_then(|device| mend(&device)) {
                Ok(true) => warn(format!("a power cut had torn {what} of the filesystem; it is mended")),
                Ok(false) => {}
                // Whether that stands in the way shows when it is mounted.
                Err(error) => warn(error.to_string()),
            }
        };
        mend("the superblock", superblock::mend, warn);
        let mount = |flags, data| {
            mounts::mount(&self.node, target, "ext4", flags | MountFlags::NOSUID | MountFlags::NODEV, data)
        };
        let writable = || mount(MountFlags::empty(), "errors=remount-ro");
        let mut mounted = writable();
        if mounted.as_ref().is_err_and(Error::finds_damage) {
            mend("a block in the journal", journal::mend, warn);
            mounted = writable();
        }
        match mounted {
            Err(error) if error.refuses_writes() => {
                // Replaying the journal would be a write.
                mount(MountFlags::RDONLY, "noload")?;
                warn(format!("{error}; it is mounted read-only"));
                return Ok(false);
            }
            done => done?,
        }
        if let Err(error) = ext4::grow(target, size, &self.node) {
            warn(error.to_string());
        }
        Ok(true)
    }

    /// Takes the mapping away, after the filesystem was unmounted.
    pub fn close(self) -> Result<()> {
        self.mapped.map_or(Ok(()), |mapped| mapper::unmap(&mapped.name))
    }
}

/// Opens the LUKS volume on the partition `label` of our disk and maps it as `name`.
pub fn open_luks(
    around: &mut Surroundings<'_>,
    unlocker: &mut Unlocker<'_>,
    label: &str,
    name: &str,
) -> Result<Mapped> {
    let partition = around.disk.partition(label)?.node.clone();
    let device = DiskDevice::open(&partition, Access::ReadOnly)?;
    let failed = |source| Error::Luks { doing: format!("open the LUKS volume `{label}`"), source };
    let volume = Volume::open(&device, &limits()?).map_err(failed)?;
    if volume.one_header_stale() {
        (around.warn)(format!("one of the two LUKS headers of `{label}` is damaged; the other one is used"));
    }
    let unlocked = unlock(around, unlocker, label, &volume)?;
    mapper::map_crypt(name, &partition, volume.uuid(), &unlocked)
}

/// Finds a key for a volume, and with it the volume's own.
pub fn unlock(
    around: &mut Surroundings<'_>,
    unlocker: &mut Unlocker<'_>,
    label: &str,
    volume: &Volume<'_>,
) -> Result<Unlocked> {
    unlocker.unlock(around, label, &mut |key| match volume.unlock(key) {
        Ok(unlocked) => Ok(Ok(unlocked)),
        Err(drydock_luks::Error::WrongKey { left_out, .. }) => {
            Ok(Err(left_out.iter().map(ToString::to_string).collect()))
        }
        Err(source) => Err(Error::Luks { doing: format!("open the LUKS volume `{label}`"), source }),
    })
}

/// What a key derivation may ask for on this machine at this moment.
pub fn limits() -> Result<Limits> {
    let text = fs::read_to_string("/proc/meminfo").map_err(Error::doing("read /proc/meminfo"))?;
    let available = memory_available_kib(&text)
        .ok_or_else(|| Error::Unusable("/proc/meminfo does not say how much memory is available".into()))?;
    Ok(Limits::new(available.saturating_sub(RESERVE_KIB)))
}

fn memory_available_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

/// How a new volume on this partition shall be: as costly to open as the configuration says for `data`.
pub fn format_options(config: Option<&Data>, partition: &dyn BlockDevice) -> FormatOptions {
    let (memory_kib, iterations) =
        config.map_or((KDF_MEMORY_KIB, KDF_ITERATIONS), |data| (data.kdf_memory_kib, data.kdf_iterations));
    let mut options = FormatOptions::new(Cost::Argon2id { memory_kib, iterations });
    if !partition.size().is_multiple_of(u64::from(options.sector_size)) {
        options.sector_size = partition.sector_size();
    }
    if partition.size() < SMALL {
        options.data_offset = SMALL_OFFSET;
    }
    options
}

fn format_luks(device: &DiskDevice, key: &[u8], config: &Data) -> Result<Unlocked> {
    let options = format_options(Some(config), device);
    drydock_luks::format(device, key, &options, &mut random::for_keys)
        .map_err(|source| Error::Luks { doing: format!("make `{}` a LUKS volume", config.label), source })
}

/// Maps the unlocked volume on `partition` as `name`.
pub fn map(name: &str, partition: &Path, unlocked: &Unlocked) -> Result<Mapped> {
    let device = DiskDevice::open(partition, Access::ReadOnly)?;
    let volume = Volume::open(&device, &limits()?).map_err(|source| Error::Luks {
        doing: format!("read the LUKS header of {}", partition.display()),
        source,
    })?;
    mapper::map_crypt(name, partition, volume.uuid(), unlocked)
}

/// Puts an empty filesystem on a node that nothing else uses. On return it is on stable storage.
pub fn make_filesystem(node: &Path) -> Result<()> {
    DiskDevice::open(node, Access::Exclusive)
        .and_then(|volume| format(&volume, &Identity::random(random::for_names)?))
}

fn map_new(partition: &Path, unlocked: &Unlocked) -> Result<Mapped> {
    let mapped = map(DATA_MAPPING, partition, unlocked)?;
    let formatted = make_filesystem(&mapped.node);
    if formatted.is_err() {
        let _ = mapper::unmap(DATA_MAPPING);
    }
    formatted.map(|()| mapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_formatted_at_the_cost_that_the_configuration_names() {
        let device = drydock_block::MemoryDevice::new(4 << 20, 512);
        let data = Data {
            label: "data".into(),
            encrypted: true,
            provision: true,
            mount: "/var".into(),
            on_failure: drydock_config::DataFailure::Recovery,
            kdf_memory_kib: 96,
            kdf_iterations: 3,
        };
        let options = format_options(Some(&data), &device);
        drydock_luks::format(&device, b"key", &options, &mut random::for_keys).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), device.snapshot()).unwrap();
        let dump = std::process::Command::new("/sbin/cryptsetup").arg("luksDump").arg(file.path()).output();
        let dump = String::from_utf8(dump.unwrap().stdout).unwrap();
        let value = |key: &str| dump.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
        assert_eq!((value("Memory:"), value("Time cost:")), (Some("96"), Some("3")), "{dump}");
        let default = format_options(None, &device).cost;
        assert!(matches!(default, Cost::Argon2id { memory_kib: KDF_MEMORY_KIB, iterations: KDF_ITERATIONS }));
    }

    #[test]
    fn available_memory_is_found() {
        let text =
            "MemTotal:         480028 kB\nMemFree:  1 kB\nMemAvailable:     450992 kB\nBuffers: 0 kB\n";
        assert_eq!(memory_available_kib(text), Some(450_992));
        assert_eq!(memory_available_kib("MemTotal: 480028 kB\n"), None);
    }
}
