//! Deltas that are made once their release was signed, as a file of their own.

use crate::create::Known;
use crate::create::bases::{root_hash_of, unpacked};
use crate::create::deltas::{Prepared, Target, prepare};
use crate::create::recipe::unfit;
use crate::cut::{Added, frames_size, is_frames, write};
use crate::{Error, keys::PrivateKey};
use drydock_files::new_file::place;
use drydock_format::signature::{MEMBER_SIZE, add};
use drydock_format::supplement::Format;
use drydock_format::{Bundle, Delta, Digest, Member, Supplement};
use std::path::Path;

/// What is wanted of a release.
pub struct Request<'a> {
    /// What devices have.
    pub bases: &'a [Known],
    /// Who signs the list of the deltas. None leaves it unsigned.
    pub keys: &'a [PrivateKey],
    /// How many threads work.
    pub workers: usize,
    /// What else goes into the file.
    pub extent: Extent,
}

/// What a file with later deltas has of the release itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What devices need that have one of the bases.
    Slim,
    /// All of it, so that every device can use the file.
    Whole,
}

/// What was made.
#[derive(Debug)]
pub struct Supplemented {
    /// The file's size in bytes.
    pub size: u64,
    /// What names the release: it is the one that it was.
    pub digest: Digest,
    /// The new deltas, and the bytes of each.
    pub deltas: Vec<(Delta, u64)>,
    /// The members of the release that are not in the file.
    pub left_out: Vec<String>,
}

/// An image that a device has, and the one of the release that is to take its place.
type Way<'a> = (&'a str, Digest);

/// Writes `path`: the release as it was signed, and deltas from the bases that it has none from, with a signed list. The
/// same input makes the same bytes. The file appears whole and is on stable storage on return.
pub fn supplement(release: &Bundle, request: &Request<'_>, path: &Path) -> Result<Supplemented, Error> {
    let path = &place(path).map_err(|source| Error::File { doing: "writing", path: path.into(), source })?;
    let refuse = |what: &str, problem: &str| Error::Input { what: what.into(), problem: problem.into() };
    if release.supplement().is_some() {
        let problem = "it has deltas that were made later; take the release without them, and name all bases";
        return Err(refuse("the bundle", problem));
    }
    let manifest = release.manifest();
    let (mut ways, mut made): (Vec<Way<'_>>, Vec<Prepared>) = (Vec::new(), Vec::new());
    for image in &manifest.images {
        for known in request.bases {
            let hash = root_hash_of(known, image, manifest.images.len())?;
            ways.extend(hash.map(|hash| (image.name.as_str(), hash)));
        }
        let target = Target {
            image,
            images: manifest.images.len(),
            frames: frames_size(manifest, &image.name),
            there: &manifest.deltas,
            workers: request.workers,
        };
        made.extend(prepare(&target, request.bases, || unpacked(release, image))?);
    }
    let has = |(image, hash): &Way<'_>| manifest.delta(image, hash).is_some();
    if made.is_empty() {
        return Err(refuse(
            "the bases",
            match ways.iter().any(has) {
                true => {
                    "the release has deltas from them already; `drydock-bundle slim` cuts it down to these"
                }
                false => "no delta from any of them is smaller than the whole image",
            },
        ));
    }
    let members: Vec<(Member, &[u8])> = made.iter().flat_map(Prepared::members).collect();
    let supplement = Supplement {
        drydock: Format::V1,
        manifest: release.manifest_digest(),
        members: members.iter().map(|(member, _)| member.clone()).collect(),
        deltas: made.iter().map(|prepared| prepared.delta.clone()).collect(),
    };
    let bytes = supplement.to_bytes();
    // What a reader would refuse is never written.
    Supplement::parse(&bytes)?.join(&mut manifest.clone(), release.manifest_digest()).map_err(unfit)?;
    let mut signatures = vec![b'\n'; MEMBER_SIZE];
    for key in request.keys {
        signatures = add(&signatures, &key.sign(&bytes)?)?;
    }

    let deltas = supplement.deltas.into_iter().zip(members.chunks(2)).map(|(delta, members)| {
        let size = members.iter().map(|(member, _)| member.size).sum();
        (delta, size)
    });
    let deltas: Vec<(Delta, u64)> = deltas.collect();
    let is_made = |(image, hash): &Way<'_>| {
        deltas.iter().any(|(delta, _)| delta.image == *image && delta.base.root_hash == *hash)
    };
    // An image that one of the bases has no delta to is for devices on that one.
    let is_whole = |image: &str| {
        let mut ways = ways.iter().filter(|(to, _)| *to == image).peekable();
        ways.peek().is_none() || ways.any(|way| !has(way) && !is_made(way))
    };
    let is_left_out = |member: &Member| {
        let name = member.name.as_str();
        let frames =
            || manifest.images.iter().any(|image| is_frames(name, &image.name) && !is_whole(&image.name));
        let of_other = || {
            manifest.deltas.iter().any(|delta| {
                let is_wanted = ways.contains(&(&delta.image, delta.base.root_hash));
                !is_wanted && (delta.index == name || delta.data == name)
            })
        };
        request.extent == Extent::Slim && (frames() || of_other())
    };
    let added = Added { supplement: Some((&bytes, &signatures)), members };
    let (size, left_out) = write(release, is_left_out, added, path)?;
    Ok(Supplemented { size, digest: release.manifest_digest(), deltas, left_out })
}
