//! The whole image, as drydock's bundle has it: frames of zstd at level 19.

use super::tool::Job;
use crate::Fallible;
use crate::figures::Figure;
use crate::measure::measure;
use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_files::FileBytes;
use drydock_format::Bundle;
use drydock_format::frames::Decoder;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// What images are called in the bundle.
const IMAGE: &str = "image";

pub(crate) fn run(job: &Job) -> Fallible<Figure> {
    let program = std::env::current_exe()?;
    let (bundle, made) = (job.scratch.join("bundle"), job.scratch.join("made"));
    let make = measure(job.scratch, &program, &["make-bundle".as_ref(), &*job.pair.new, &bundle])?;
    let apply = measure(job.scratch, &program, &["unpack-bundle".as_ref(), &*bundle, &made])?;
    job.check(&made)?;
    Ok(Figure { bytes: fs::metadata(&bundle)?.len(), make: Some(make), apply: Some(apply) })
}

/// Makes an unsigned bundle of one image.
pub(crate) fn make_bundle(image: &Path, out: &Path) -> Fallible<()> {
    let recipe = Recipe {
        compatible: "bench".into(),
        version: "1".into(),
        security_version: 1,
        salt: default_salt("bench"),
        frame_size: 4 << 20,
        level: 19,
        workers: std::thread::available_parallelism()?.get(),
        images: vec![Input { name: IMAGE.into(), class: IMAGE.into(), path: image.into() }],
        pins: Vec::new(),
        bases: Vec::new(),
        keys: Vec::new(),
    };
    create(&recipe, out, |_, _, _| ())?;
    Ok(())
}

/// Writes the image of such a bundle, each group proven.
pub(crate) fn unpack_bundle(bundle: &Path, out: &Path) -> Fallible<()> {
    let bundle = Bundle::open_unverified(FileBytes(File::open(bundle)?))?;
    let reader = bundle.image(IMAGE)?;
    let mut out = File::create(out)?;
    let (mut frame, mut decoder) = (Vec::new(), Decoder::new());
    for number in 0..reader.image().frame_count() {
        reader.read_frame(number, &mut frame)?;
        let mut data = vec![0; reader.image().frame_len(number)];
        reader.unpack(&mut decoder, number, &frame, &mut data)?;
        reader.prove(number, &data)?;
        out.write_all(&data)?;
    }
    Ok(out.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_bundle_comes_out_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let content: Vec<u8> = (0..5_u32 << 20).map(|number| (number / 7) as u8).collect();
        fs::write(path("image"), &content).unwrap();
        make_bundle(&path("image"), &path("bundle")).unwrap();
        unpack_bundle(&path("bundle"), &path("made")).unwrap();
        assert!(fs::read(path("made")).unwrap() == content);
    }
}
