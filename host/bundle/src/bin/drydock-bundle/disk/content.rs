//! Which image goes into which slots, and whether a device can start from it.

use super::failed::{self, file};
use super::labels::RECOVERY;
use super::loader;
use crate::{look, trust};
use drydock_bundle::Error;
use drydock_config::{Config, Role};
use drydock_files::FileBytes;
use drydock_format::{Bundle, Image};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What goes into the slots of one class.
pub(super) struct Content<'a> {
    pub(super) class: String,
    /// What its partitions are called, without `-a` and `-b`.
    pub(super) partition: String,
    pub(super) role: Role,
    pub(super) image: SlotImage<'a>,
}

/// Where a slot's image comes from.
pub(super) enum SlotImage<'a> {
    Bundle(&'a Image),
    Raw(&'a RawImage),
}

/// An image that no bundle carries.
pub(super) struct RawImage {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) size: u64,
}

impl RawImage {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let FileBytes(file) = trust::open_file(path)?;
        let size = drydock_files::len(&file).map_err(failed::file("reading", path))?;
        Ok(Self { path: path.into(), file, size })
    }
}

/// Finds an image for every slot class of the configuration. The recovery comes last, and has the boot slot's image
/// where the bundle brings none of its own: one kernel and initramfs serve both jobs.
pub(super) fn find<'a>(
    config: &Config,
    bundle: &'a Bundle,
    recovery: Option<&'a RawImage>,
) -> Result<Vec<Content<'a>>, Error> {
    let image_of = |class: &str| bundle.manifest().images.iter().find(|image| image.class == class);
    let mut contents = Vec::new();
    for slot in config.set_classes() {
        let missing = |problem: &str| Error::Input {
            what: format!("slot class `{}`", slot.class),
            problem: problem.to_owned(),
        };
        if slot.encrypted {
            return Err(missing("encrypted slots can't be flashed yet; set `encrypted = false`"));
        }
        let image = image_of(&slot.class).ok_or_else(|| missing("the bundle has no image for it"))?;
        contents.push(Content {
            class: slot.class.clone(),
            partition: slot.partition().into(),
            role: slot.role,
            image: SlotImage::Bundle(image),
        });
    }
    if let Some(extra) =
        bundle.manifest().images.iter().find(|image| {
            image.class != RECOVERY && config.slots.iter().all(|slot| slot.class != image.class)
        })
    {
        return Err(Error::Input {
            what: format!("the bundle's image `{}`", extra.name),
            problem: format!("the configuration has no slot class `{}`", extra.class),
        });
    }
    let boot = || config.class_with_role(Role::Boot).and_then(|slot| image_of(&slot.class));
    let image = match (recovery, image_of(RECOVERY).or_else(boot)) {
        (Some(raw), _) => Some(SlotImage::Raw(raw)),
        (None, image) => image.map(SlotImage::Bundle),
    };
    contents.extend(image.map(|image| Content {
        class: RECOVERY.into(),
        partition: RECOVERY.into(),
        role: Role::Recovery,
        image,
    }));
    Ok(contents)
}

/// Refuses an image that the kernel can't mount as the root, that the bootloader can't read kernel and initramfs from, or that no tree can be
/// made of. What the
/// others are for is not known here.
pub(super) fn check(config: &Config, bundle: &Bundle, contents: &[Content<'_>]) -> Result<(), Error> {
    for content in contents {
        if content.role == Role::Other {
            continue;
        }
        let (head, size, what) = match content.image {
            SlotImage::Bundle(image) => {
                (look::head_in(bundle, &image.name)?, image.size, format!("the image `{}`", image.name))
            }
            SlotImage::Raw(raw) => {
                let head = look::head_of(&raw.file, raw.size).map_err(file("reading", &raw.path))?;
                (head, raw.size, format!("the image {}", raw.path.display()))
            }
        };
        let problem = match content.role {
            Role::Files => look::no_tree(&head),
            Role::Boot | Role::Recovery => loader::of(config).no_image(&head, size),
            _ => look::no_root(&head, size, &config.boot.root_filesystem),
        };
        if let Some(problem) = problem {
            return Err(Error::Input { what: format!("{what} in slot class `{}`", content.class), problem });
        }
    }
    Ok(())
}
