//! Makes bundles: raw images in, one file out.
//!
//! The same input makes the same bytes, on any number of cores: every frame is compressed by itself with one
//! thread, and nothing of the clock, the environment or the files' metadata goes in.

mod image;
mod output;

use crate::{Error, keys::PrivateKey};
use drydock_files::new_file::place;
use drydock_format::manifest::{Format, Pin, RECOVERY_PROTOCOL};
use drydock_format::signature::{MEMBER_SIZE, add};
use drydock_format::{Digest, Manifest, Salt, sha256, slot};
use image::Packed;
use output::Output;
use std::path::{Path, PathBuf};

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
    /// have equal hashes; [`default_salt`] does.
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

/// What was made.
#[derive(Debug)]
pub struct Created {
    /// The manifest.
    pub manifest: Manifest,
    /// What names the release.
    pub digest: Digest,
    /// For each image, the smallest slot in bytes that takes it with this manifest.
    pub slots: Vec<u64>,
    /// The bundle's size in bytes.
    pub size: u64,
}

/// The salt of a product that does not choose one: the SHA-256 of its `compatible`.
pub fn default_salt(compatible: &str) -> Salt {
    sha256(compatible.as_bytes()).into()
}

/// Makes the bundle `path`, replacing what was there. The file appears whole and is on stable storage on return;
/// after an error what was there is unchanged. `progress` is told the image, and how many of its bytes are
/// done of how many.
pub fn create(
    recipe: &Recipe,
    path: &Path,
    mut progress: impl FnMut(&Input, u64, u64),
) -> Result<Created, Error> {
    // Before the long work; and what is scratch lies beside the real place.
    let path = &place(path).map_err(|source| Error::File { doing: "writing", path: path.into(), source })?;
    let mut manifest = Manifest {
        drydock: Format::V1,
        compatible: recipe.compatible.clone(),
        version: recipe.version.clone(),
        security_version: recipe.security_version,
        min_recovery: RECOVERY_PROTOCOL,
        images: Vec::new(),
        pins: recipe.pins.clone(),
        members: Vec::new(),
        critical: Vec::new(),
    };
    let mut packed: Vec<Packed> = Vec::new();
    for input in &recipe.images {
        let pack = Packed::new(recipe, input, path, |done, total| progress(input, done, total))?;
        manifest.members.extend(pack.members());
        manifest.images.push(pack.image.clone());
        packed.push(pack);
    }
    manifest.check().map_err(unfit)?;
    let bytes = manifest.to_bytes();
    // What a reader would refuse is never written.
    let manifest = Manifest::parse(&bytes)?;
    let mut signatures = vec![b'\n'; MEMBER_SIZE];
    for key in &recipe.keys {
        signatures = add(&signatures, &key.sign(&bytes)?)?;
    }

    let mut output = Output::new(path)?;
    output.member(drydock_format::MANIFEST, &bytes)?;
    output.member(drydock_format::SIGNATURES, &signatures)?;
    for pack in &mut packed {
        pack.write(&mut output)?;
    }
    let size = output.finish()?;
    let slots = manifest.images.iter().map(|image| slot::min_size(image, bytes.len() as u64)).collect();
    Ok(Created { digest: Manifest::digest(&bytes), manifest, slots, size })
}

/// What a reader would call a fault of the bundle is the caller's here.
fn unfit(error: drydock_format::Error) -> Error {
    match error {
        drydock_format::Error::Field { field, problem } => Error::Input { what: field, problem },
        other => other.into(),
    }
}
