//! Volumes of the simulated machine: dm-crypt is a model, and so is a filesystem, but for an ext4
//! on a volume that is large enough.

use super::{SimMachine, lock, missing};
use crate::application::PARTITION_SIZE;
use crate::truth::{self, Slot};
use crate::volume::{self, FakeFiles};
use crate::workshop::DATA_SIZE;
use drydock_config::SlotClass;
use drydock_engine::Error;
use drydock_engine::files::Files;
use drydock_engine::machine::{
    Device, Disk, Home, Keys, Mode, NotMounted, NotMountedFor, Place, Random, Setting, Trees, Volumes,
};
use drydock_engine::volume::ext4::{self, Identity};
use drydock_format::{Image, Manifest};
use drydock_luks::{FormatOptions, Unlocked};
use drydock_models::CryptDevice;
use drydock_state::SlotName;
use std::io;
use std::sync::Arc;
use zeroize::Zeroizing;

impl SimMachine<'_> {
    fn on(&self, home: &Home) -> Result<Device, Error> {
        match home {
            Home::Partition(label) => self.partition(label),
            Home::Mapping(name) => {
                lock(&self.mapped).get(name).cloned().ok_or_else(|| missing(format!("mapping {name}")))
            }
        }
    }

    /// Whether the trees are on a partition of their own.
    fn has_own_trees(&self) -> bool {
        self.config().trees.iter().any(|tree| tree.partition.is_some())
    }

    fn at(&self, place: Place) -> Result<Device, Error> {
        let mounted = lock(&self.mounted).get(&place).cloned().flatten();
        mounted.ok_or_else(|| missing(format!("what is mounted at {place:?}")))
    }
}

impl Volumes for SimMachine<'_> {
    fn alone(&self, home: &Home) -> Result<Device, Error> {
        self.on(home)
    }
    fn map_crypt(&self, mapping: &str, label: &str, _uuid: &str, unlocked: &Unlocked) -> Result<(), Error> {
        let inside = CryptDevice::new(self.partition(label)?, unlocked).expect("the volume is whole");
        let taken = lock(&self.mapped).insert(mapping.into(), Arc::new(inside));
        assert!(taken.is_none(), "{mapping} is mapped already");
        Ok(())
    }
    fn unmap(&self, mapping: &str) -> Result<(), Error> {
        let found = lock(&self.mapped).remove(mapping);
        found.map(drop).ok_or_else(|| missing(format!("mapping {mapping}")))
    }
    fn is_mounted(&self, place: Place) -> bool {
        lock(&self.mounted).contains_key(&place)
    }
    fn mount(&self, home: &Home, place: Place, _mode: Mode) -> Result<(), NotMounted> {
        let failed = |kind| move |error| NotMounted { kind, error };
        let device = self.on(home).map_err(failed(NotMountedFor::Else))?;
        if let Err(why) = volume::mount(&device) {
            let what = format!("a whole filesystem on {home:?} ({why})");
            return Err(failed(NotMountedFor::Damage)(missing(what)));
        }
        lock(&self.mounted).insert(place, Some(device));
        Ok(())
    }
    fn grow(&self, _home: &Home, _place: Place) -> Result<(), Error> {
        Ok(())
    }
    fn unmount(&self, place: Place) -> Result<(), Error> {
        let found = lock(&self.mounted).remove(&place);
        found.map(drop).ok_or_else(|| missing(format!("what is mounted at {place:?}")))
    }
    fn files(&self, place: Place) -> Box<dyn Files + '_> {
        Box::new(FakeFiles::new(self.at(place).expect("it is mounted")))
    }
    fn trees(&self, place: Place) -> io::Result<Box<dyn Trees + '_>> {
        let is_own = matches!(place, Place::Trees(_) | Place::TreesInNewRoot(_));
        match &self.trees {
            Some(trees) if is_own == self.has_own_trees() && self.is_mounted(place) => Ok(Box::new(&**trees)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
    fn image_files(
        &self,
        class: &SlotClass,
        name: SlotName,
        image: Option<&Image>,
    ) -> Result<Box<dyn Trees + '_>, Error> {
        // What is read is the image's or an error: dm-verity sees to that, where it is known which image that is.
        let known = self.workshop.releases.iter().find(|release| {
            let manifest = Manifest::parse(&release.manifest).expect("it was made right");
            let root = manifest.images.iter().find(|found| found.class == class.class);
            root.is_some_and(|root| image.is_some_and(|image| image.root_hash == root.root_hash))
        });
        let held = match truth::slot(self.workshop, &self.disk, &class.class, name) {
            Slot::Holds(index) => self.workshop.releases.get(index),
            _ => None,
        };
        let root = known.or(held).and_then(|release| self.roots.get(&release.version));
        root.map(|root| Box::new(root) as Box<_>).ok_or_else(|| missing(format!("a root in {name:?}")))
    }
    fn pack(&self, place: Place, _paths: &[String], _limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
        let found = volume::contents(&self.at(place)?);
        let found = found.ok_or_else(|| missing("the files on a volume".into()))?;
        let kept = self.workshop.kept();
        match found.starts_with(&kept) {
            true => Ok(Zeroizing::new(kept)),
            false => Err(missing("what is to be kept".into())),
        }
    }
    fn format_options(&self, _partition: &Device) -> FormatOptions {
        volume::format_options()
    }
    fn make_filesystem(&self, device: &Device) -> Result<(), Error> {
        // Of all volumes only `data`, and the one for trees, are ever made new.
        let is_own = device.size() == PARTITION_SIZE;
        if let Some(trees) = self.trees.as_ref().filter(|_| is_own == self.has_own_trees()) {
            trees.format();
        }
        if device.size() <= DATA_SIZE {
            let made = volume::make(device, &[]);
            return made.map_err(Error::doing("make a simulated filesystem"));
        }
        ext4::format(device, &Identity::random(|buffer| self.random(Random::Names, buffer))?)
    }
}
