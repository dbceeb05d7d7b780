//! Files with a part of a release: the members that are left out are named, the others stay as they are.

use crate::Error;
use crate::output::Output;
use drydock_format::{Bundle, DELTAS, DELTAS_SIGNATURES, LEFT_OUT, MANIFEST, Manifest, Member};
use drydock_format::{ReadAt, SIGNATURES};
use std::io::{self, Read};
use std::path::Path;

/// What a file with a part of a release has beyond that.
#[derive(Default)]
pub(crate) struct Added<'a> {
    /// The supplement and its signatures.
    pub(crate) supplement: Option<(&'a [u8], &'a [u8])>,
    /// Its members.
    pub(crate) members: Vec<(Member, &'a [u8])>,
}

/// Returns whether a member is the whole image of that name, or a part of it.
pub(crate) fn is_frames(member: &str, image: &str) -> bool {
    let rest = member.strip_prefix(image).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| rest == "frames" || rest == "zst" || rest.starts_with("zst."))
}

/// Returns the size of the whole image of that name in a release, packed.
pub(crate) fn frames_size(manifest: &Manifest, image: &str) -> u64 {
    let table = format!("{image}.frames");
    let frames = |member: &&Member| is_frames(&member.name, image) && member.name != table;
    manifest.members.iter().filter(frames).map(|member| member.size).sum()
}

/// Writes `path`: the release with its signatures, without the members that `is_left_out` names, and with what is added. The
/// file appears whole and is on stable storage on return. Returns its size in bytes, and what was left out.
pub(crate) fn write(
    bundle: &Bundle,
    is_left_out: impl Fn(&Member) -> bool,
    added: Added<'_>,
    path: &Path,
) -> Result<(u64, Vec<String>), Error> {
    let members = bundle.manifest().members.iter();
    let (left_out, stay): (Vec<&Member>, Vec<&Member>) =
        members.partition(|member| is_left_out(member) || !bundle.has(&member.name));
    let left_out: Vec<String> = left_out.into_iter().map(|member| member.name.clone()).collect();
    let mut output = Output::new(path)?;
    output.member(MANIFEST, bundle.manifest_bytes())?;
    output.member(SIGNATURES, bundle.signature_bytes())?;
    if !left_out.is_empty() {
        let list: String = left_out.iter().map(|name| format!("{name}\n")).collect();
        output.member(LEFT_OUT, list.as_bytes())?;
    }
    let own = bundle.supplement().map(|own| (&own.bytes[..], &own.signatures[..]));
    if let Some((document, signatures)) = added.supplement.or(own) {
        output.member(DELTAS, document)?;
        output.member(DELTAS_SIGNATURES, signatures)?;
    }
    for member in stay {
        let bytes = Reader { bytes: bundle.bytes_of(&member.name)?, at: 0 };
        output.member_from(&member.name, member.size, bytes)?;
    }
    for (member, bytes) in added.members {
        output.member(&member.name, bytes)?;
    }
    Ok((output.finish()?, left_out))
}

/// Reads from the beginning to the end.
struct Reader<R> {
    bytes: R,
    at: u64,
}

impl<R: ReadAt> Read for Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = (self.bytes.len()? - self.at).min(buf.len() as u64) as usize;
        self.bytes.read_at(self.at, &mut buf[..len])?;
        self.at += len as u64;
        Ok(len)
    }
}
