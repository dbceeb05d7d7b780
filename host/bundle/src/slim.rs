//! Slim bundles: cut down to what devices need that have certain images already.

use crate::Error;
use crate::create::Known;
use crate::create::bases::root_hash_of;
use crate::cut::{Added, is_frames, write};
use drydock_files::new_file::place;
use drydock_format::{Bundle, Digest, Member};
use std::path::Path;

/// What was made.
#[derive(Debug)]
pub struct Slimmed {
    /// The slim bundle's size in bytes.
    pub size: u64,
    /// The members that were left out.
    pub left_out: Vec<String>,
}

/// Writes `path`: the bundle without the frames of images that a delta from these bases leads to, and without the deltas
/// from others. Signatures stay, and hold, also those of deltas that were made later. The file appears whole and is on stable
/// storage on return.
pub fn slim(bundle: &Bundle, bases: &[Known], path: &Path) -> Result<Slimmed, Error> {
    let path = &place(path).map_err(|source| Error::File { doing: "writing", path: path.into(), source })?;
    let manifest = bundle.manifest();
    let mut kept: Vec<(&str, Digest)> = Vec::new();
    for image in &manifest.images {
        for known in bases {
            let Some(hash) = root_hash_of(known, image, manifest.images.len())? else { continue };
            if manifest.delta(&image.name, &hash).is_some_and(|delta| bundle.has(&delta.data)) {
                kept.push((&image.name, hash));
            }
        }
    }
    if kept.is_empty() {
        return Err(Error::Input {
            what: "the bases".into(),
            problem: "the bundle has no delta from any of them; see `drydock-bundle info`".into(),
        });
    }
    let is_left_out = |member: &Member| {
        let name = member.name.as_str();
        let frames = kept.iter().any(|(image, _)| is_frames(name, image));
        let of_other = manifest.deltas.iter().any(|delta| {
            let is_kept = kept.contains(&(&delta.image, delta.base.root_hash));
            !is_kept && (delta.index == name || delta.data == name)
        });
        frames || of_other
    };
    let (size, left_out) = write(bundle, is_left_out, Added::default(), path)?;
    Ok(Slimmed { size, left_out })
}
