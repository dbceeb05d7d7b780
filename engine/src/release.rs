//! Which release is in a slot: its trailer, with the signatures checked.

use crate::error::Error;
use crate::machine::Machine;
use drydock_block::BlockDevice;
use drydock_config::{Config, Role, SlotClass};
use drydock_format::trailer;
use drydock_format::{Digest, Image, Manifest, PublicKey, Trusted, sha256, signature};
use drydock_state::{SetInfo, SetName, SlotName};

/// What a slot's trailer says, once its signatures hold.
#[derive(Clone, Debug)]
pub struct Release {
    /// The image that is in the slot.
    pub image: Image,
    /// The release, as the state record keeps it.
    pub info: SetInfo,
    /// The hooks that the release brings.
    #[cfg(feature = "hooks")]
    pub hooks: Vec<drydock_format::hook::Hook>,
}

/// The keys that the configuration trusts.
pub fn trusted(config: &Config) -> Result<Trusted, Error> {
    let key = |hex: &String| {
        // A digest and a key are written alike: 64 hex digits.
        let bytes: Digest = hex.parse().map_err(|why| {
            Error::Unusable(format!("the configuration's key `{hex}` is {why}; build the initramfs anew"))
        })?;
        Ok(PublicKey::from_bytes(&bytes.0)?)
    };
    let keys = config.signatures.keys.iter().map(key).collect::<Result<_, Error>>()?;
    Ok(Trusted { keys, threshold: config.signatures.threshold })
}

/// What the state record keeps of a release.
pub fn info(manifest: &Manifest, digest: Digest) -> SetInfo {
    SetInfo {
        version: manifest.version.clone(),
        security_version: manifest.security_version,
        manifest: digest.into(),
        ..SetInfo::default()
    }
}

/// The image that a release has for a slot of a class, and whether the bundle carries it or only pins it. One for this slot
/// alone, whose class is that with `-a` or `-b`, comes before one for either.
pub fn image_of(manifest: &Manifest, class: &str, slot: SlotName) -> Option<(Image, Carried)> {
    let of = |class: &str| {
        let carried = manifest.images.iter().find(|image| image.class == class).cloned();
        let pinned =
            || manifest.pins.iter().find(|pin| pin.class == class).map(|pin| (pin.image(), Carried::Pinned));
        carried.map(|image| (image, Carried::InBundle)).or_else(pinned)
    };
    of(&slot.label(class)).or_else(|| of(class))
}

/// Whether a bundle carries an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Its bytes are in the bundle.
    InBundle,
    /// The bundle only names it: the device has it already.
    Pinned,
}

/// Reads a slot's trailer and checks its signatures. An error names the slot.
pub fn trusted_release(
    machine: &impl Machine,
    class: &SlotClass,
    name: impl Into<SlotName>,
) -> Result<Release, Error> {
    let name = name.into();
    let slot = machine.slot(class, name)?;
    let untrusted = |why| Error::Slot { label: name.label(class.partition()), why: Box::new(why) };
    release_in(machine.config(), class, name, &slot).map_err(untrusted)
}

fn release_in(
    config: &Config,
    class: &SlotClass,
    name: SlotName,
    slot: &dyn BlockDevice,
) -> Result<Release, Error> {
    let trailer = trailer::read(slot)?;
    signature::verify(&trailer.manifest, &trailer.signatures, &trusted(config)?)?;
    let manifest = Manifest::parse(&trailer.manifest)?;
    let image_for = |class: &SlotClass| {
        let image = image_of(&manifest, &class.class, name).filter(|(image, _)| image.name == trailer.image);
        image.map(|(image, _)| image)
    };
    // The recovery has the boot slot's image where a bundle brings none of its own.
    let boot = config.class_with_role(Role::Boot).filter(|_| class.role == Role::Recovery);
    let image = image_for(class).or_else(|| image_for(boot?)).ok_or_else(|| {
        Error::Refused(format!(
            "it holds the image {}, which is not one of its class; install a release that has one",
            trailer.image
        ))
    })?;
    Ok(Release {
        image,
        info: info(&manifest, sha256(&trailer.manifest)),
        #[cfg(feature = "hooks")]
        hooks: manifest.hooks,
    })
}

/// The release of a whole set: every slot has a trailer whose signatures hold, and all of them name the same one.
pub fn of_set(machine: &impl Machine, set: SetName) -> Result<SetInfo, Error> {
    let mut found: Option<SetInfo> = None;
    for class in machine.config().set_classes() {
        let info = trusted_release(machine, class, set)?.info;
        if found.as_ref().is_some_and(|other| *other != info) {
            return Err(Error::Refused(format!(
                "slot {} is of version {}, unlike the rest of its set; install a release into that set",
                set.label(class.partition()),
                info.version
            )));
        }
        found = Some(info);
    }
    found.ok_or_else(|| Error::Refused("the configuration has no slots".into()))
}
