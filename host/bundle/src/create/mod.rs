//! Makes bundles: raw images in, one file out.
//!
//! The same input makes the same bytes, on any number of cores: every frame is compressed by itself with one
//! thread, and nothing of the clock, the environment or the files' metadata goes in.

pub(crate) mod bases;
pub(crate) mod deltas;
mod hooks;
mod image;
pub(crate) mod recipe;

pub use bases::Known;
pub use hooks::Hooks;
pub use recipe::{Input, MAX_LEVEL, Recipe};

use crate::Error;
use crate::output::Output;
use drydock_files::new_file::place;
use drydock_format::manifest::{Format, RECOVERY_PROTOCOL};
use drydock_format::signature::{MEMBER_SIZE, add};
use drydock_format::{Digest, Manifest, Salt, sha256, slot};
use image::Packed;
use recipe::unfit;
use std::path::Path;

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
        deltas: Vec::new(),
        hooks: Vec::new(),
        critical: Vec::new(),
    };
    let mut packed: Vec<Packed> = Vec::new();
    for input in &recipe.images {
        let pack = Packed::new(recipe, input, path, |done, total| progress(input, done, total))?;
        manifest.members.extend(pack.members());
        manifest.images.push(pack.image.clone());
        packed.push(pack);
    }
    let mut deltas = Vec::new();
    for (input, pack) in recipe.images.iter().zip(&packed) {
        let target = deltas::Target {
            image: &pack.image,
            images: recipe.images.len(),
            frames: pack.size(),
            there: &[],
            workers: recipe.workers,
        };
        deltas.extend(deltas::prepare(&target, &recipe.bases, || bases::read_padded(&input.path))?);
    }
    for prepared in &deltas {
        manifest.members.extend(prepared.members().map(|(member, _)| member));
        manifest.deltas.push(prepared.delta.clone());
    }
    let programs = recipe.hooks.programs()?;
    manifest.members.extend(programs.iter().map(hooks::Program::member));
    recipe.hooks.put_into(&mut manifest);
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
    for (member, bytes) in deltas.iter().flat_map(deltas::Prepared::members) {
        output.member(&member.name, bytes)?;
    }
    for program in &programs {
        output.member(&program.name, &program.bytes)?;
    }
    let size = output.finish()?;
    let slots = manifest.images.iter().map(|image| slot::min_size(image, bytes.len() as u64)).collect();
    Ok(Created { digest: Manifest::digest(&bytes), manifest, slots, size })
}
