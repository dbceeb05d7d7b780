//! Whether a bundle is for this device, and what is to be done for it. Pure: no I/O.

use crate::error::Error;
use crate::release::{Carried, image_of};
use drydock_config::{Config, SlotClass};
use drydock_format::{Image, Manifest, slot};
use drydock_state::{Record, SetName, SlotName};

/// What is to be done for one release.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The set that is written.
    pub target: SetName,
    /// One step a slot class, in the order of the configuration.
    pub slots: Vec<SlotPlan>,
}

/// What is to be done for one slot.
#[derive(Clone, Debug)]
pub struct SlotPlan {
    /// The slot's class.
    pub class: SlotClass,
    /// What will be in it.
    pub image: Image,
    /// Where its bytes come from.
    pub from: Origin,
}

/// Where an image's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The bundle.
    Bundle,
    /// The same class of the set that runs now: the bundle leaves it out and pins its root hash.
    Set(SetName),
}

/// Decides whether the bundle may be installed, and plans it.
pub fn plan(config: &Config, record: &Record, manifest: &Manifest) -> Result<Plan, Error> {
    admit(config, record, manifest)?;
    let target = record.target_set();
    let slots =
        config.set_classes().map(|class| plan_slot(class, manifest, target)).collect::<Result<_, _>>()?;
    Ok(Plan { target, slots })
}

/// Decides whether a bundle is for this device, and new enough for it.
pub fn admit(config: &Config, record: &Record, manifest: &Manifest) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::Refused(text));
    if manifest.compatible != config.compatible {
        return refuse(format!(
            "the bundle is for `{}` and this device is `{}`; take the bundle that was made for it",
            manifest.compatible, config.compatible
        ));
    }
    if let Some(why) = config.foreign_hardware() {
        return refuse(why);
    }
    if manifest.security_version < record.floors.install {
        return refuse(format!(
            "the bundle's security version {} is below this device's floor {}; take a newer release",
            manifest.security_version, record.floors.install
        ));
    }
    for image in &manifest.images {
        let for_one =
            |slot: &SlotClass| SetName::BOTH.iter().any(|set| set.label(&slot.class) == image.class);
        if !config.slots.iter().any(|slot| slot.class == image.class || for_one(slot)) {
            return refuse(format!(
                "the bundle has an image for the class `{}`, this device has no such slots",
                image.class
            ));
        }
    }
    Ok(())
}

fn plan_slot(class: &SlotClass, manifest: &Manifest, target: SetName) -> Result<SlotPlan, Error> {
    let class = class.clone();
    match image_of(manifest, &class.class, target.into()) {
        Some((image, Carried::InBundle)) => Ok(SlotPlan { class, image, from: Origin::Bundle }),
        Some((image, Carried::Pinned)) => Ok(SlotPlan { class, image, from: Origin::Set(target.other()) }),
        None => Err(Error::Refused(format!(
            "the bundle neither has an image for the class `{}` nor pins one; a set is switched as a whole or not at all",
            class.class
        ))),
    }
}

impl SlotPlan {
    /// Checks that the slot has room for image, hash tree and trailer.
    pub fn check_room(&self, name: SlotName, room: u64, manifest_len: u64) -> Result<(), Error> {
        let needed = slot::min_size(&self.image, manifest_len);
        if needed <= room {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "image {} needs {needed} bytes with its hash tree and trailer, slot {} has {room}; make the image smaller or the slot larger",
            self.image.name,
            name.label(self.class.partition())
        )))
    }
}
