//! Volumes and filesystems of the real machine, for a factory reset and a wipe.

use crate::device::data::{self, DataVolume};
use crate::device::files::Mounted;
use crate::device::{keep, mounts, random};
use crate::hardware::{Hardware, MOUNT_TIME};
use drydock_config::VOLUME_MAPPING;
use drydock_engine::Error;
use drydock_engine::machine::{Device, Machine, Volumes};
use drydock_luks::{FormatOptions, Limits, Unlocked, Volume};
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// Where a volume is mounted while it is packed or filled.
const MOUNT: &str = "/run/drydock/volume";

impl Volumes for Hardware<'_> {
    fn limits(&self) -> Result<Limits, Error> {
        Ok(data::limits()?)
    }

    fn unlock(&self, label: &str, volume: &Volume<'_>) -> Result<Unlocked, Error> {
        self.with_keys(|keys, unlocker| Ok(data::unlock(keys, unlocker, label, volume)?))
    }

    fn key_for_new(&self, label: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.with_keys(|keys, unlocker| Ok(unlocker.key_for_new(keys, label)?))
    }

    fn format_options(&self, partition: &Device) -> FormatOptions {
        data::format_options(self.config().data.as_ref(), partition)
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.events().allow(random::LIMIT);
        random::for_keys(buffer)
    }

    fn pack(
        &self,
        label: &str,
        volume: &Unlocked,
        paths: &[String],
        limit: u64,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let volume = self.open_volume(label, Some(volume))?;
        self.mounted(volume, |root| keep::pack(root, paths, limit))
    }

    fn make_filesystem(
        &self,
        label: &str,
        volume: Option<&Unlocked>,
        packed: Option<&[u8]>,
    ) -> Result<(), Error> {
        let volume = self.open_volume(label, volume)?;
        if let Err(error) = data::make_filesystem(&volume.node) {
            let _ = volume.close();
            return Err(error.into());
        }
        self.mounted(volume, |root| {
            packed.map_or(Ok(()), |packed| keep::unpack(&Mounted(root.into()), packed))
        })
    }
}

impl Hardware<'_> {
    /// A partition, or the inside of its volume, ready to be mounted.
    fn open_volume(&self, label: &str, volume: Option<&Unlocked>) -> Result<DataVolume, Error> {
        let partition = self.disk().partition(label)?.node.clone();
        let Some(unlocked) = volume else {
            return Ok(DataVolume { node: partition, mapped: None, is_new: true });
        };
        let mapped = data::map(VOLUME_MAPPING, &partition, unlocked)?;
        Ok(DataVolume { node: mapped.node.clone(), mapped: Some(mapped), is_new: false })
    }

    /// Does something with a mounted volume, and closes it whatever comes of that.
    fn mounted<T>(
        &self,
        volume: DataVolume,
        work: impl FnOnce(&Path) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let root = Path::new(MOUNT);
        self.events().allow(MOUNT_TIME);
        let done = volume.mount(root, &mut |text| self.events().warning(text)).and_then(|_| {
            let done = work(root);
            let unmounted = mounts::unmount(root);
            done.and_then(|value| unmounted.map(|()| value))
        });
        let closed = volume.close();
        let value = done?;
        closed?;
        Ok(value)
    }
}
