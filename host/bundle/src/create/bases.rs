//! What devices have already: an image of a bundle, or a raw one.

use crate::{Error, open_file};
use drydock_format::frames::Decoder;
use drydock_format::manifest::MIN_IMAGE;
use drydock_format::tree::{BLOCK, GROUP, Hasher, build};
use drydock_format::{Bundle, Digest, Image, MANIFEST, ReadAt, Salt};
use std::path::{Path, PathBuf};

/// What devices have that a release is prepared for.
#[derive(Clone, Debug)]
pub struct Known {
    /// The image of the release that it is a base for. Nothing: a bundle, or a raw image where the release has only one.
    pub image: Option<String>,
    /// A bundle, or a raw image.
    pub path: PathBuf,
}

/// An image that devices have.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) root_hash: Digest,
}

/// Where an image that devices have is to be found.
enum Place {
    InBundle(Box<Bundle>, Image),
    Raw,
}

/// Returns what a base has for an image of a release that has so many, if it has anything.
pub(crate) fn content(known: &Known, image: &Image, images: usize) -> Result<Option<Content>, Error> {
    Ok(match find(known, image, images)? {
        None => None,
        // Another salt makes another hash: a bundle's own is what its devices know.
        Some(Place::InBundle(bundle, old)) => {
            Some(Content { bytes: unpacked(&bundle, &old)?, root_hash: old.root_hash })
        }
        Some(Place::Raw) => {
            let bytes = read_padded(&known.path)?;
            let root_hash = root_hash(&image.salt, &bytes);
            Some(Content { bytes, root_hash })
        }
    })
}

/// Returns the root hash of what a base has for an image.
pub(crate) fn root_hash_of(known: &Known, image: &Image, images: usize) -> Result<Option<Digest>, Error> {
    Ok(match find(known, image, images)? {
        None => None,
        Some(Place::InBundle(_, old)) => Some(old.root_hash),
        Some(Place::Raw) => Some(root_hash(&image.salt, &read_padded(&known.path)?)),
    })
}

fn find(known: &Known, image: &Image, images: usize) -> Result<Option<Place>, Error> {
    if let Some(name) = &known.image {
        return Ok((*name == image.name).then_some(Place::Raw));
    }
    if is_bundle(&known.path)? {
        let bundle = Bundle::open_unverified(open_file(&known.path)?)?;
        let old = bundle.manifest().images.iter().find(|old| old.class == image.class).cloned();
        return Ok(old.map(|old| Place::InBundle(Box::new(bundle), old)));
    }
    if images > 1 {
        return Err(Error::Input {
            what: format!("the base {}", known.path.display()),
            problem: "it is no bundle, and the release has several images; say which: NAME=PATH".into(),
        });
    }
    Ok(Some(Place::Raw))
}

/// Unpacks an image of a bundle and proves it.
pub(crate) fn unpacked(bundle: &Bundle, image: &Image) -> Result<Vec<u8>, Error> {
    let reader = bundle.image(&image.name)?;
    let mut bytes = vec![0; image.size as usize];
    let (mut decoder, mut packed) = (Decoder::new(), Vec::new());
    for (number, frame) in (0..).zip(bytes.chunks_mut(image.frame_size as usize)) {
        reader.read_frame(number, &mut packed)?;
        reader.unpack(&mut decoder, number, &packed, frame)?;
        reader.prove(number, frame)?;
    }
    Ok(bytes)
}

fn root_hash(salt: &Salt, bytes: &[u8]) -> Digest {
    let hasher = Hasher::new(salt);
    let groups: Vec<Digest> = bytes.chunks(GROUP).map(|group| hasher.group_digest(group)).collect();
    build(salt, &groups).0
}

/// Reads a raw image, padded to whole blocks as everywhere.
pub(crate) fn read_padded(path: &Path) -> Result<Vec<u8>, Error> {
    let reading = |source| Error::File { doing: "reading", path: path.into(), source };
    let file = open_file(path)?;
    let len = file.len().map_err(reading)? as usize;
    let mut bytes = vec![0; len.next_multiple_of(BLOCK).max(MIN_IMAGE as usize)];
    file.read_at(0, bytes.get_mut(..len).unwrap_or_default()).map_err(reading)?;
    Ok(bytes)
}

/// Returns whether a file begins as a bundle does.
fn is_bundle(path: &Path) -> Result<bool, Error> {
    let file = open_file(path)?;
    let mut name = [0; MANIFEST.len()];
    Ok(file.read_at(0, &mut name).is_ok() && name == MANIFEST.as_bytes())
}
