//! Our disk: its partitions, the slots on them, and the lock that every writer of the state takes.

use super::{Hardware, lock};
use crate::disk::mapper;
use crate::disk::{Access, DiskDevice};
use crate::pid1::lock::{self as state_lock, StateLock};
use drydock_config::{SlotClass, base_mapping, proof_mapping};
use drydock_engine::Error;
use drydock_engine::machine::{Device, Disk, Lock, Setting, Start, Volumes, open_bootloader};
use drydock_engine::update::prove;
use drydock_engine::volume::luks;
use drydock_format::Image;
use drydock_state::{Bootloader, SlotName};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Hardware<'_> {
    /// The node of a slot; of the inside of it where the class is encrypted.
    pub(super) fn slot_node(&self, class: &SlotClass, slot: SlotName) -> Result<PathBuf, Error> {
        let label = slot.label(class.partition());
        if !class.encrypted {
            return Ok(self.disk.partition(&label)?.node.clone());
        }
        if lock(&self.mapped).get(&label).is_none() {
            luks::open(self, &label, &label)?;
        }
        self.mapping_node(&label)
    }

    /// The node of an image in a slot, read through dm-verity, until [`release_bases`](Disk::release_bases).
    pub(super) fn verity_node(
        &self,
        class: &SlotClass,
        name: SlotName,
        image: &Image,
    ) -> Result<PathBuf, Error> {
        let mapping = base_mapping(&name.label(class.partition()));
        if lock(&self.mapped).get(&mapping).is_none() {
            self.map_verity(&mapping, class, name, image)?;
        }
        self.mapping_node(&mapping)
    }

    pub(super) fn mapping_node(&self, name: &str) -> Result<PathBuf, Error> {
        lock(&self.mapped).get(name).map(|mapped| mapped.node.clone()).ok_or_else(|| Error::Missing {
            what: format!("the mapping {name}"),
            advice: "it was taken away; try again".into(),
        })
    }
}

impl Disk for Hardware<'_> {
    fn lock(&self) -> Result<Lock, Error> {
        let path = Path::new(state_lock::PATH);
        Ok(Box::new(StateLock::take(path, &state_lock::this_process(), state_lock::WAIT)?))
    }

    fn bootloader(&self) -> Result<Box<dyn Bootloader>, Error> {
        open_bootloader(self)
    }

    fn partition(&self, label: &str) -> Result<Device, Error> {
        open_for_work(&self.disk.partition(label)?.node)
    }

    fn whole(&self) -> Result<Device, Error> {
        open_for_work(&self.disk.node)
    }

    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error> {
        open_for_work(&self.slot_node(class, name)?)
    }

    fn base(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<Device, Error> {
        // The live system runs from it; what a command makes of it is only looked at.
        if !self.is_process_one() {
            return self.slot(class, name);
        }
        Ok(Arc::new(DiskDevice::open(&self.verity_node(class, name, image)?, Access::ReadOnly)?))
    }

    fn release_bases(&self) {
        let is_base = |mapping: &&String| mapping.starts_with(&base_mapping(""));
        let bases: Vec<String> = lock(&self.mapped).keys().filter(is_base).cloned().collect();
        for mapping in bases {
            if let Err(error) = self.unmap(&mapping) {
                self.events.warning(error);
            }
        }
    }

    fn read_back(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<(), Error> {
        let label = name.label(class.partition());
        let mapping = proof_mapping(&label);
        self.map_verity(&mapping, class, name, image)?;
        let proven = self.mapping_node(&mapping).and_then(|node| {
            let device = DiskDevice::open(&node, Access::ReadOnly)?;
            let is_corrupted = || mapper::is_corrupted(&mapping).unwrap_or(false);
            prove::by_verity(&device, &label, self.threads(), self.events, is_corrupted)
        });
        let unmapped = self.unmap(&mapping);
        proven?;
        unmapped
    }
}

/// Opens a device for reading and writing, or only for reading where the disk takes no writes any more: a set can
/// still be started from it.
fn open_for_work(node: &Path) -> Result<Device, Error> {
    Ok(Arc::new(DiskDevice::open_if_only_to_read(node, Access::ReadWrite)?))
}
