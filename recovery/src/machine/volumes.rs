//! Volumes and filesystems: device-mapper and mounts.

use super::{Hardware, below, lock};
use crate::answer::Answer;
use crate::disk::mapper;
use crate::disk::{Access, DiskDevice};
use crate::mount::files::Mounted;
use crate::mount::{self, grow, keep};
use drydock_block::BlockDevice;
use drydock_engine::Error;
use drydock_engine::files::Files;
use drydock_engine::machine::{Device, Home, Keys, Mode, NotMounted, NotMountedFor, Place, Random, Volumes};
use drydock_engine::volume::ext4::{self, Identity};
use drydock_engine::volume::luks;
use drydock_luks::{FormatOptions, Unlocked};
use std::path::PathBuf;
use std::sync::Arc;
use sys_mount::MountFlags;
use zeroize::Zeroizing;
#[cfg(feature = "files")]
use {
    drydock_config::SlotClass, drydock_format::Image, drydock_state::SlotName, std::path::Path,
    sys_mount::UnmountFlags,
};

/// Where the new root is put together.
pub(super) const NEW_ROOT: &str = "/sysroot";
/// Where recovery mounts the `data` volume.
const DATA_MOUNT: &str = "/run/drydock/data";
/// Where a volume is mounted while it is packed or filled.
const VOLUME_MOUNT: &str = "/run/drydock/volume";

/// Where a root image is mounted for the moment in which it is opened.
#[cfg(feature = "files")]
const IMAGE_MOUNT: &str = "/run/drydock/image";

impl Hardware<'_> {
    fn node(&self, home: &Home) -> Result<PathBuf, Error> {
        match home {
            Home::Partition(label) => Ok(self.disk.partition(label)?.node.clone()),
            Home::Mapping(name) => self.mapping_node(name),
        }
    }

    /// The folder of a place.
    pub(super) fn target(&self, place: Place) -> PathBuf {
        if let Some(mounted) = lock(&self.mounted).get(&place) {
            return mounted.clone();
        }
        match place {
            Place::InNewRoot => {
                below(NEW_ROOT, self.config.data.as_ref().map_or("", |data| data.mount.as_str()))
            }
            Place::Data => DATA_MOUNT.into(),
            #[cfg(feature = "files")]
            Place::Trees(index) => format!("/run/drydock/trees-{index}").into(),
            #[cfg(feature = "files")]
            Place::TreesInNewRoot(index) => {
                let tree = self.config.trees.get(index);
                below(NEW_ROOT, tree.and_then(|tree| tree.mount.as_deref()).unwrap_or_default())
            }
            _ => VOLUME_MOUNT.into(),
        }
    }
}

impl Volumes for Hardware<'_> {
    fn alone(&self, home: &Home) -> Result<Device, Error> {
        Ok(Arc::new(DiskDevice::open_if_only_to_read(&self.node(home)?, Access::Exclusive)?))
    }

    fn map_crypt(&self, mapping: &str, label: &str, uuid: &str, unlocked: &Unlocked) -> Result<(), Error> {
        let partition = &self.disk.partition(label)?.node;
        let mapped = mapper::map_crypt(mapping, partition, uuid, unlocked)?;
        lock(&self.mapped).insert(mapping.into(), mapped);
        Ok(())
    }

    fn unmap(&self, mapping: &str) -> Result<(), Error> {
        mapper::unmap(mapping)?;
        lock(&self.mapped).remove(mapping);
        Ok(())
    }

    fn is_mounted(&self, place: Place) -> bool {
        lock(&self.mounted).get(&place).is_some()
    }

    fn mount(&self, home: &Home, place: Place, mode: Mode) -> Result<(), NotMounted> {
        let target = self.target(place);
        let safe = MountFlags::NOSUID | MountFlags::NODEV;
        let (flags, data) = match mode {
            Mode::Writable => (safe, "errors=remount-ro"),
            // Replaying the journal would be a write.
            Mode::ReadOnly => (safe | MountFlags::RDONLY, "noload"),
        };
        let mounted = self.node(home).and_then(|node| mount::mount(&node, &target, "ext4", flags, data));
        mounted.map_err(|error| {
            let kind = match &error {
                error if error.finds_damage() => NotMountedFor::Damage,
                error if error.refuses_writes() => NotMountedFor::NoWrites,
                _ => NotMountedFor::Else,
            };
            NotMounted { kind, error }
        })?;
        lock(&self.mounted).insert(place, target);
        Ok(())
    }

    fn grow(&self, home: &Home, place: Place) -> Result<(), Error> {
        let node = self.node(home)?;
        let size = DiskDevice::open(&node, Access::ReadOnly)?.size();
        grow::grow(&self.target(place), size, &node)
    }

    fn unmount(&self, place: Place) -> Result<(), Error> {
        mount::unmount(&self.target(place))?;
        lock(&self.mounted).remove(&place);
        Ok(())
    }

    fn files(&self, place: Place) -> Box<dyn Files + '_> {
        Box::new(Mounted(self.target(place)))
    }

    #[cfg(feature = "files")]
    fn trees(&self, place: Place) -> std::io::Result<Box<dyn drydock_engine::machine::Trees + '_>> {
        Ok(Box::new(crate::tree::Beneath::open(&self.target(place))?))
    }

    #[cfg(feature = "files")]
    fn image_files(
        &self,
        class: &SlotClass,
        name: SlotName,
        image: Option<&Image>,
    ) -> Result<Box<dyn drydock_engine::machine::Trees + '_>, Error> {
        let node = match image {
            Some(image) => self.verity_node(class, name, image)?,
            None => self.slot_node(class, name)?,
        };
        let (target, filesystem) = (Path::new(IMAGE_MOUNT), &self.config.boot.root_filesystem);
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount::mount(&node, target, filesystem, flags, "")?;
        let opened = crate::tree::Beneath::open(target).map_err(Error::doing("open a root image"));
        // Whoever has it open keeps it, and nothing is left of it after that.
        let let_go =
            sys_mount::unmount(target, UnmountFlags::DETACH).map_err(Error::doing("let a root image go"));
        let opened = opened?;
        let_go.map(|()| Box::new(opened) as Box<_>)
    }

    fn pack(&self, place: Place, paths: &[String], limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
        keep::pack(&self.target(place), paths, limit)
    }

    fn format_options(&self, partition: &Device) -> FormatOptions {
        luks::format_options(self.config.data.as_ref(), partition)
    }

    fn make_filesystem(&self, device: &Device) -> Result<(), Error> {
        ext4::format(device, &Identity::random(|buffer| self.random(Random::Names, buffer))?)
    }
}
