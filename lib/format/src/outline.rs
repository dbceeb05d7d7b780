//! Where things are in a bundle of which nothing is there but the front.

use crate::archive::{Archive, Front};
use crate::manifest::Manifest;
use crate::open::left_out;
use crate::{Bundle, Digest, Error, ReadAt, Trusted, sha256, signature, tar};
use std::ops::Range;
use std::sync::Arc;

/// What a signed manifest says of where things are in its bundle.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The digest of the manifest.
    pub manifest: Digest,
    /// Where everything lies that is read to open the bundle, and its images: the front, the members' headers, the images'
    /// tables, the end.
    pub ranges: Vec<Range<u64>>,
}

impl Bundle {
    /// Whether all of it is there: of one that was fetched in part, some is not.
    pub fn is_whole(&self) -> bool {
        self.source().len().is_ok_and(|len| self.source().has(&(0..len)))
    }

    /// Checks the signatures of a bundle that may not be there beyond its front, and says where the rest would be. Of
    /// what is behind the front only the list of a slim bundle is read.
    pub fn outline(source: impl ReadAt + 'static, trusted: &Trusted) -> Result<Outline, Error> {
        let source = Archive::new(Arc::new(source))?;
        let front = Front::read(&source)?;
        signature::verify(&front.manifest, &front.signatures, trusted)?;
        let manifest = Manifest::parse(&front.manifest)?;
        // In a slim bundle the list of what was left out follows the front.
        let (left_out, mut at) = left_out(&source, front.end)?;
        let mut left_out = left_out.lines().peekable();
        let mut ranges: Vec<_> = std::iter::once(0..at.max(front.end + tar::BLOCK)).collect();
        for member in &manifest.members {
            if left_out.next_if_eq(&member.name.as_str()).is_some() {
                continue;
            }
            let start = at + tar::BLOCK;
            let is_table = |suffix| {
                let name = member.name.strip_suffix(suffix);
                name.is_some_and(|name| manifest.image(name).is_some())
            };
            let read = if is_table(".groups") || is_table(".frames") { member.size } else { 0 };
            ranges.push(at..start + read);
            at = start + tar::padded(member.size);
        }
        ranges.push(at..source.len.min(at + tar::END + tar::RECORD));
        Ok(Outline { manifest: sha256(&front.manifest), ranges })
    }
}
