//! Becoming the live system, where nothing runs that would see it.

use super::{SimMachine, lock, missing};
use crate::application;
use crate::truth::{self, Slot};
use drydock_config::{Role, SlotClass};
use drydock_engine::Error;
use drydock_engine::context::RunningSet;
use drydock_engine::machine::{Disk, Start};
use drydock_format::Image;
use drydock_state::{SetName, SlotName};
use std::path::Path;

impl Start for SimMachine<'_> {
    fn map_verity(
        &self,
        mapping: &str,
        class: &SlotClass,
        slot: SlotName,
        _image: &Image,
    ) -> Result<(), Error> {
        let slot = self.slot(class, slot)?;
        lock(&self.mapped).insert(mapping.into(), slot);
        Ok(())
    }
    fn mount_root(&self, _mapping: &str, set: SetName) -> Result<(), Error> {
        // dm-verity lets nothing run that is not the release's; of the boot slot it knows nothing.
        match truth::slot(self.workshop, &self.disk, "root", set) {
            Slot::Holds(_) => Ok(()),
            Slot::Nothing => Err(missing(format!("a root in set {set}"))),
            Slot::Lies(why) => Err(Error::Refused(why)),
        }
    }
    fn unmount_root(&self) {}
    fn mount_temporary(&self) -> Result<(), Error> {
        Ok(())
    }
    fn lay_over(&self, folder: &Path) -> Result<(), Error> {
        *lock(&self.laid) = Some(folder.to_owned());
        Ok(())
    }
    fn takes_machine_id(&self) -> bool {
        false
    }
    fn give_machine_id(&self, _id: &[u8]) -> Result<(), Error> {
        Ok(())
    }
    fn leave_word(&self, _running: &RunningSet) -> Result<(), Error> {
        Ok(())
    }
    fn enter(&self, set: SetName) -> Result<(), Error> {
        let carries = self.config.class_with_role(Role::Root).is_some_and(|class| !class.carry.is_empty());
        let layer = application::layer(set);
        match carries && self.laid_over() != Some(layer.join("files")) {
            true => Err(missing(format!("what is carried for set {set} over its root"))),
            false => Ok(()),
        }
    }
    fn take_panics(&self) -> Vec<String> {
        Vec::new()
    }
    fn peak_memory(&self) -> Option<String> {
        None
    }
}
