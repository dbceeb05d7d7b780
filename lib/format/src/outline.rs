//! Where things are in a bundle of which nothing is there but the front.

use crate::archive::{Archive, Signed};
use crate::head::Head;
use crate::limits::{MANIFEST, SIGNATURES};
use crate::{Bundle, Digest, Error, Manifest, Member, ReadAt, Trusted, sha256, signature, tar};
use std::ops::Range;
use std::sync::Arc;

/// What a signed manifest says of where things are in its bundle.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The digest of the manifest: which release it is.
    pub manifest: Digest,
    /// What tells the file from others of the same release: the digest of the manifest's, of what was left out, and of the later
    /// deltas.
    pub file: Digest,
    /// The manifest, with what was added to it.
    pub release: Manifest,
    /// Where everything lies that is read to open the bundle, and its images: the front, the members' headers, the images'
    /// tables, hooks' programs, the end.
    pub ranges: Vec<Range<u64>>,
}

impl Outline {
    /// Refuses a file whose length in bytes is not that of such a bundle.
    pub fn check_length(&self, length: u64) -> Result<(), Error> {
        let end = self.ranges.last().map_or(0, |range| range.start);
        let needed = end.saturating_add(tar::END);
        match length {
            _ if length < needed => Err(Error::Truncated { len: length, needed }),
            _ if length > needed.next_multiple_of(tar::RECORD) => Err(Error::TrailingData { end }),
            _ => Ok(()),
        }
    }
}

impl Bundle {
    /// Whether all of it is there: of one that was fetched in part, some is not.
    pub fn is_whole(&self) -> bool {
        self.source().len().is_ok_and(|len| self.source().has(&(0..len)))
    }

    /// Checks the signatures over the manifest of a bundle of which nothing may be there but the first bytes, and reads nothing
    /// behind them. Returns the manifest, and its digest: which release it is.
    pub fn release(source: impl ReadAt + 'static, trusted: &Trusted) -> Result<(Manifest, Digest), Error> {
        let (front, _) = Signed::read(&Archive::new(Arc::new(source))?, 0, [MANIFEST, SIGNATURES])?;
        signature::verify(&front.bytes, &front.signatures, trusted)?;
        Ok((Manifest::parse(&front.bytes)?, sha256(&front.bytes)))
    }

    /// Checks the signatures of a bundle that may not be there beyond its front, and says where the rest would be. Of
    /// what is behind the front only what was left out and what was added is read.
    pub fn outline(source: impl ReadAt + 'static, trusted: &Trusted) -> Result<Outline, Error> {
        let source = Archive::new(Arc::new(source))?;
        let Head { front, supplement, manifest, left_out, end: mut at, .. } =
            Head::read(&source, Some(trusted))?;
        let supplement = supplement.map(|signed| signed.bytes).unwrap_or_default();
        let release = sha256(&front.bytes);
        let file = sha256(&[&release.0, left_out.as_bytes(), &supplement].concat());
        let mut left_out = left_out.lines().peekable();
        // What was left out, and what was added, is told behind the front.
        let mut ranges: Vec<_> = std::iter::once(0..at).collect();
        for member in &manifest.members {
            if left_out.next_if_eq(&member.name.as_str()).is_some() {
                continue;
            }
            let start = at + tar::BLOCK;
            let is_table = |suffix| {
                let name = member.name.strip_suffix(suffix);
                name.is_some_and(|name| manifest.image(name).is_some())
            };
            let is_read = is_table(".groups") || is_table(".frames") || is_program(&manifest, member);
            let read = if is_read { member.size } else { 0 };
            ranges.push(at..start + read);
            at = start + tar::padded(member.size);
        }
        ranges.push(at..source.len.min(at + tar::END + tar::RECORD));
        Ok(Outline { manifest: release, file, release: manifest, ranges })
    }
}

/// Whether a member is the program of a hook: it is called before anything is written.
#[cfg(feature = "hooks")]
fn is_program(manifest: &Manifest, member: &Member) -> bool {
    manifest.hooks.iter().any(|hook| hook.member.as_ref() == Some(&member.name))
}

#[cfg(not(feature = "hooks"))]
fn is_program(_: &Manifest, _: &Member) -> bool {
    false
}
