//! Which image goes into which slots, and whether a device can start from it.

use super::failed::{self, file};
use super::labels::RECOVERY;
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
    /// Which of its two slots are written: `a`, `b`, or both.
    pub(super) copies: &'static [&'static str],
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
    let images = &bundle.manifest().images;
    // One for this slot alone comes before one for either.
    let image_of = |class: &str, copy: &str| {
        let own = format!("{class}-{copy}");
        let named = |name: &str| images.iter().find(|image| image.class == name);
        named(&own).or_else(|| named(class))
    };
    let mut contents = Vec::new();
    for slot in config.set_classes() {
        let missing = |problem: &str| Error::Input {
            what: format!("slot class `{}`", slot.class),
            problem: problem.to_owned(),
        };
        if slot.encrypted {
            return Err(missing("encrypted slots can't be flashed yet; set `encrypted = false`"));
        }
        let image = image_of(&slot.class, "a").ok_or_else(|| missing("the bundle has no image for it"))?;
        contents.push(Content {
            class: slot.class.clone(),
            partition: slot.partition().into(),
            role: slot.role,
            copies: &["a"],
            image: SlotImage::Bundle(image),
        });
    }
    let is_of = |image: &Image, class: &str| {
        let rest = image.class.strip_prefix(class);
        matches!(rest, Some("" | "-a" | "-b"))
    };
    let known =
        |image: &Image| is_of(image, RECOVERY) || config.slots.iter().any(|slot| is_of(image, &slot.class));
    if let Some(extra) = images.iter().find(|image| !known(image)) {
        return Err(Error::Input {
            what: format!("the bundle's image `{}`", extra.name),
            problem: format!("the configuration has no slot class `{}`", extra.class),
        });
    }
    let boot = config.class_with_role(Role::Boot);
    let of_copy = |copy: &str| image_of(RECOVERY, copy).or_else(|| image_of(&boot?.class, copy));
    let mut add = |copies, image| {
        contents.push(Content {
            class: RECOVERY.into(),
            partition: RECOVERY.into(),
            role: Role::Recovery,
            copies,
            image,
        });
    };
    match (recovery, of_copy("a"), of_copy("b")) {
        (Some(raw), ..) => add(&["a", "b"], SlotImage::Raw(raw)),
        (None, Some(a), Some(b)) if a.name == b.name => add(&["a", "b"], SlotImage::Bundle(a)),
        (None, a, b) => {
            a.into_iter().for_each(|image| add(&["a"], SlotImage::Bundle(image)));
            b.into_iter().for_each(|image| add(&["b"], SlotImage::Bundle(image)));
        }
    }
    Ok(contents)
}

/// Refuses an image that the kernel can't mount as the root, that the bootloader can't read kernel and initramfs from, or that no tree can be
/// made of. What the
/// others are for is not known here.
///
/// `no_image` says why the bootloader can't read kernel and initramfs from an image of a size that begins so.
pub(super) fn check(
    config: &Config,
    bundle: &Bundle,
    contents: &[Content<'_>],
    no_image: &dyn Fn(&[u8], u64) -> Option<String>,
) -> Result<(), Error> {
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
            Role::Boot | Role::Recovery => no_image(&head, size),
            _ => look::no_root(&head, size, &config.boot.root_filesystem),
        };
        if let Some(problem) = problem {
            return Err(Error::Input { what: format!("{what} in slot class `{}`", content.class), problem });
        }
    }
    Ok(())
}
