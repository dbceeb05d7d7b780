//! Slim bundles: cut down to what devices need that have certain images already.

use crate::Error;
use crate::create::Known;
use crate::create::bases::root_hash_of;
use crate::output::Output;
use drydock_files::new_file::place;
use drydock_format::{Bundle, Digest, LEFT_OUT, MANIFEST, Member, ReadAt, SIGNATURES};
use std::io::{self, Read};
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
/// from others. Signatures stay, and hold. The file appears whole and is on stable storage on return.
pub fn slim(bundle: &Bundle, bases: &[Known], path: &Path) -> Result<Slimmed, Error> {
    let path = &place(path).map_err(|source| Error::File { doing: "writing", path: path.into(), source })?;
    let manifest = bundle.manifest();
    let mut kept: Vec<(&str, Digest)> = Vec::new();
    for image in &manifest.images {
        for known in bases {
            let Some(hash) = root_hash_of(known, image, manifest.images.len())? else { continue };
            if manifest.delta(&image.name, &hash).is_some() {
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
        let frames = kept.iter().any(|(image, _)| {
            let rest = name.strip_prefix(image).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| rest == "frames" || rest == "zst" || rest.starts_with("zst."))
        });
        let of_other = manifest.deltas.iter().any(|delta| {
            let is_kept = kept.contains(&(&delta.image, delta.base.root_hash));
            !is_kept && (delta.index == name || delta.data == name)
        });
        frames || of_other || !bundle.has(name)
    };
    let (left_out, stay): (Vec<&Member>, Vec<&Member>) =
        manifest.members.iter().partition(|member| is_left_out(member));
    let left_out: Vec<String> = left_out.into_iter().map(|member| member.name.clone()).collect();
    let list: String = left_out.iter().map(|name| format!("{name}\n")).collect();
    let mut output = Output::new(path)?;
    output.member(MANIFEST, bundle.manifest_bytes())?;
    output.member(SIGNATURES, bundle.signature_bytes())?;
    output.member(LEFT_OUT, list.as_bytes())?;
    for member in stay {
        output.member_from(
            &member.name,
            member.size,
            Reader { bytes: bundle.bytes_of(&member.name)?, at: 0 },
        )?;
    }
    Ok(Slimmed { size: output.finish()?, left_out })
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
