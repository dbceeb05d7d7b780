use super::{Hooks, Known};
use crate::{Error, keys::PrivateKey};
use drydock_format::Pin;
use drydock_format::Salt;
use std::path::PathBuf;

/// The highest zstd level that `create` takes.
pub const MAX_LEVEL: i32 = 22;

/// What goes into a bundle.
pub struct Recipe {
    /// The kind of device that the release is for.
    pub compatible: String,
    /// The version, for people.
    pub version: String,
    /// The version that must not fall.
    pub security_version: u32,
    /// dm-verity's salt for every image. Keep it the same for all versions of a product, so that equal blocks
    /// have equal hashes; [`default_salt`](super::default_salt) does.
    pub salt: Salt,
    /// The bytes of image in a frame.
    pub frame_size: u32,
    /// zstd's level, 1 to [`MAX_LEVEL`].
    pub level: i32,
    /// How many threads compress.
    pub workers: usize,
    /// The images, in the order in which devices write them.
    pub images: Vec<Input>,
    /// Classes of the release that are not in the bundle.
    pub pins: Vec<Pin>,
    /// What devices have that the release is prepared for: each gets a delta.
    pub bases: Vec<Known>,
    /// The programs that devices call while they install the release, or once it runs.
    pub hooks: Hooks,
    /// Who signs it at once. None makes an unsigned bundle.
    pub keys: Vec<PrivateKey>,
}

/// One image on its way into a bundle.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in the bundle.
    pub name: String,
    /// The class of slots that it goes to.
    pub class: String,
    /// The raw image: a file, sparse or not, or a block device.
    pub path: PathBuf,
}

/// What a reader would call a fault of the bundle is the caller's here.
pub(crate) fn unfit(error: drydock_format::Error) -> Error {
    match error {
        drydock_format::Error::Field { field, problem } => Error::Input { what: field, problem },
        other => other.into(),
    }
}
