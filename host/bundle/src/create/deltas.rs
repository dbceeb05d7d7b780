//! Deltas for devices whose present images are known.

use super::bases::{content, read_padded};
use super::recipe::Recipe;
use crate::Error;
use drydock_delta::Coding;
use drydock_differ::{Made, Options, make};
use drydock_format::delta::Base;
use drydock_format::manifest::PART;
use drydock_format::{Delta, Image, Member, sha256};
use std::path::Path;

/// How the differences of every delta are coded: larger tables make deltas a little smaller, and devices slower.
const CODING: Coding = Coding::Model { table_bits: 17 };

/// A delta, ready to be written.
pub(super) struct Prepared {
    pub(super) delta: Delta,
    made: Made,
}

impl Prepared {
    /// The members that it has in the tar, and their bytes.
    pub(super) fn members(&self) -> [(Member, &[u8]); 2] {
        let Self { delta, made } = self;
        [(&delta.index, &made.index), (&delta.data, &made.data)].map(|(name, bytes)| {
            let member = Member { name: name.clone(), size: bytes.len() as u64, sha256: Some(sha256(bytes)) };
            (member, bytes.as_slice())
        })
    }
}

/// Makes the deltas of one image, whose raw bytes are at `path`, from every base that has one for it. What is not smaller
/// than the whole image's frames is left out.
pub(super) fn prepare(
    recipe: &Recipe,
    image: &Image,
    path: &Path,
    frames: u64,
) -> Result<Vec<Prepared>, Error> {
    let mut all: Vec<Prepared> = Vec::new();
    let mut target = None;
    for known in &recipe.bases {
        let Some(base) = content(known, image, recipe.images.len())? else { continue };
        if all.iter().any(|prepared| prepared.delta.base.root_hash == base.root_hash) {
            continue;
        }
        let target = match &target {
            Some(target) => target,
            None => target.insert(read_padded(path)?),
        };
        let options = Options { coding: CODING, unpack: true, threads: recipe.workers };
        let made = make(&base.bytes, target, options).map_err(|error| Error::Delta {
            from: known.path.clone(),
            to: image.name.clone(),
            problem: error.to_string(),
        })?;
        let size = (made.index.len() + made.data.len()) as u64;
        if size >= frames || size > PART {
            continue;
        }
        let name = format!("{}.delta-{}", image.name, all.len());
        let delta = Delta {
            image: image.name.clone(),
            base: Base { root_hash: base.root_hash, size: base.bytes.len() as u64 },
            index: format!("{name}.index"),
            data: format!("{name}.data"),
        };
        all.push(Prepared { delta, made });
    }
    Ok(all)
}
