//! Deltas for devices whose present images are known.

use super::Known;
use super::bases::content;
use crate::Error;
use drydock_delta::Coding;
use drydock_differ::{Made, Options, make};
use drydock_format::delta::Base;
use drydock_format::manifest::PART;
use drydock_format::{Delta, Image, Member, sha256};

/// How the differences of every delta are coded: larger tables make deltas a little smaller, and devices slower.
const CODING: Coding = Coding::Model { table_bits: 17 };

/// A delta, ready to be written.
pub(crate) struct Prepared {
    pub(crate) delta: Delta,
    made: Made,
}

impl Prepared {
    /// The members that it has in the tar, and their bytes.
    pub(crate) fn members(&self) -> [(Member, &[u8]); 2] {
        let Self { delta, made } = self;
        [(&delta.index, &made.index), (&delta.data, &made.data)].map(|(name, bytes)| {
            let member = Member { name: name.clone(), size: bytes.len() as u64, sha256: Some(sha256(bytes)) };
            (member, bytes.as_slice())
        })
    }
}

/// An image that deltas are to lead to.
pub(crate) struct Target<'a> {
    pub(crate) image: &'a Image,
    /// How many images the release has.
    pub(crate) images: usize,
    /// The bytes of the image's frames. A delta that is not smaller is left out.
    pub(crate) frames: u64,
    /// The deltas that the release has: none is made twice, and none gets the name of another one's members.
    pub(crate) there: &'a [Delta],
    /// How many threads work.
    pub(crate) workers: usize,
}

/// Makes the deltas to one image, whose raw bytes `read` returns, from every base that has one for it.
pub(crate) fn prepare(
    target: &Target<'_>,
    bases: &[Known],
    mut read: impl FnMut() -> Result<Vec<u8>, Error>,
) -> Result<Vec<Prepared>, Error> {
    let Target { image, images, frames, there, workers } = *target;
    let mut all: Vec<Prepared> = Vec::new();
    let mut bytes = None;
    for known in bases {
        let Some(base) = content(known, image, images)? else { continue };
        let leads_from_there =
            |delta: &Delta| delta.image == image.name && delta.base.root_hash == base.root_hash;
        if all.iter().map(|prepared| &prepared.delta).chain(there).any(leads_from_there) {
            continue;
        }
        let bytes = match &bytes {
            Some(bytes) => bytes,
            None => bytes.insert(read()?),
        };
        let options = Options { coding: CODING, unpack: true, threads: workers };
        let made = make(&base.bytes, bytes, options).map_err(|error| Error::Delta {
            from: known.path.clone(),
            to: image.name.clone(),
            problem: error.to_string(),
        })?;
        let size = (made.index.len() + made.data.len()) as u64;
        if size >= frames || size > PART {
            continue;
        }
        let before = there.iter().filter(|delta| delta.image == image.name).count();
        let name = format!("{}.delta-{}", image.name, before + all.len());
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
