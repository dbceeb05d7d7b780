//! drydock: bundles of its own tool, fetched by its own client from a real server, installed by its own recovery.

use super::tool::Job;
use crate::Fallible;
use crate::device::{Device, alternate};
use crate::figures::Figure;
use crate::measure::measure;
use crate::nginx;
use drydock_bundle::create::{Input, Known, Recipe, create, default_salt};
use drydock_bundle::ordered;
use drydock_delta::Coding;
use drydock_differ::{Made, Options, make};
use drydock_fixtures::{Parts, key, private_pem};
use drydock_format::{MANIFEST, Manifest, sha256};
use drydock_simulator::native::{self, Base};
use drydock_simulator::workshop::COMPATIBLE;
use std::fs;
use std::path::{Path, PathBuf};

/// How bundles code what differs.
const CODING: Coding = Coding::Model { table_bits: 17 };
/// What the image is called in bundles.
const IMAGE: &str = "root";

/// The program that makes bundles, beside this one.
fn program() -> Fallible<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("drydock-bundle"))
}

pub(crate) fn missing(_: &Path) -> Option<String> {
    if !cfg!(feature = "network") {
        return Some("it was built without its feature `network`, and fetches nothing".into());
    }
    match program() {
        Ok(program) if program.exists() => nginx::missing(),
        Ok(program) => {
            Some(format!("{} is not there (cargo build --release -p drydock-bundle)", program.display()))
        }
        Err(why) => Some(why.to_string()),
    }
}

/// The whole image; the delta with packed files as they are; the delta with packed files unpacked, as bundles have it.
pub(crate) fn run(job: &Job) -> Fallible<Vec<Figure>> {
    let folder = |name: &str| -> Fallible<PathBuf> {
        let path = job.scratch.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    };
    let (files, has) = (folder("files")?, folder("has")?);
    let pem = job.scratch.join("key.pem");
    fs::write(&pem, private_pem(1))?;

    // What the device runs: how it was packed once is of no matter.
    let old = has.join("old.drydock");
    make_bundle("1", &job.pair.old, None, &old)?;
    native::settle_in(&has, "old.drydock", native::workers())?;

    let [as_is, unpacked] = ["as-is", "unpacked"].map(|name| files.join(format!("{name}.drydock")));
    let image = PathBuf::from(format!("{IMAGE}={}", job.pair.new.display()));
    let words = ["create", "--compatible", COMPATIBLE, "--version", "2", "--image"].map(Path::new);
    let more = [&*image, "--key".as_ref(), &pem, "-o".as_ref(), &unpacked, "--base".as_ref(), &old];
    let made = measure(job.scratch, program()?, &[&words[..], &more].concat())?;
    exchange(&unpacked, &job.pair.old, &job.pair.new, &as_is)?;

    let [lacks, has_too] = ["lacks", "has-too"].map(|name| job.scratch.join(name));
    native::twin(&has, &lacks, Base::Lost)?;
    native::twin(&has, &has_too, Base::Kept)?;
    // Of one bundle each device takes what it can use.
    let mut devices = [Device::new(&lacks, None), Device::new(&has_too, None), Device::new(&has, Some(made))];
    for (device, bundle) in devices.iter_mut().zip([&unpacked, &as_is, &unpacked]) {
        native::blank(&has.join(native::SET_A))?;
        device.fetch(bundle, job.scratch)?;
    }
    alternate(&mut devices, (&job.pair.digest, job.pair.size), job.scratch)?;
    Ok(devices.into_iter().map(|device| device.figure).collect())
}

/// Makes the bundle of a release, quickly, with a delta from what is in another bundle if there is one.
pub(crate) fn make_bundle(version: &str, image: &Path, base: Option<&Path>, out: &Path) -> Fallible<()> {
    let recipe = Recipe {
        hooks: Default::default(),
        compatible: COMPATIBLE.into(),
        version: version.into(),
        security_version: 0,
        salt: default_salt(COMPATIBLE),
        frame_size: 4 << 20,
        level: 1,
        workers: ordered::cores(),
        images: vec![Input { name: IMAGE.into(), class: IMAGE.into(), path: image.into() }],
        pins: Vec::new(),
        bases: base.map(|path| Known { image: None, path: path.into() }).into_iter().collect(),
        keys: vec![key(1)],
    };
    create(&recipe, out, |_, _, _| ())?;
    Ok(())
}

/// Makes the same bundle with another delta in it, for which packed files were left as they are. The tool has no option for it.
fn exchange(bundle: &Path, old: &Path, new: &Path, out: &Path) -> Fallible<()> {
    let options = Options { coding: CODING, unpack: false, threads: ordered::cores() };
    let Made { index, data } = make(&fs::read(old)?, &fs::read(new)?, options)?;
    let mut parts = Parts::of(&fs::read(bundle)?);
    let mut manifest = Manifest::parse(parts.get(MANIFEST))?;
    let delta = manifest.deltas.first().ok_or("the bundle has no delta")?.clone();
    for (name, bytes) in [(&delta.index, index), (&delta.data, data)] {
        let member = manifest.members.iter_mut().find(|member| member.name == *name);
        let member = member.ok_or("the delta is not in the bundle")?;
        (member.size, member.sha256) = (bytes.len() as u64, Some(sha256(&bytes)));
        *parts.get(name) = bytes;
    }
    parts.sign(&manifest.to_bytes(), &[&key(1)]);
    Ok(fs::write(out, parts.bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_files::FileBytes;
    use drydock_format::Bundle;

    #[test]
    fn another_delta_in_a_bundle_is_signed_as_the_first_one_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let image: Vec<u8> = (0..3_u32 << 18).flat_map(|number| (number / 3).to_le_bytes()).collect();
        fs::write(path("old"), &image).unwrap();
        make_bundle("1", &path("old"), None, &path("old.drydock")).unwrap();
        let mut changed = image;
        changed[500_000..500_009].fill(1);
        fs::write(path("new"), &changed).unwrap();
        make_bundle("2", &path("new"), Some(&path("old.drydock")), &path("new.drydock")).unwrap();
        exchange(&path("new.drydock"), &path("old"), &path("new"), &path("out")).unwrap();
        assert!(exchange(&path("old.drydock"), &path("old"), &path("new"), &path("none")).is_err());
        let trusted = drydock_format::Trusted { keys: vec![key(1).public().unwrap()], threshold: 1 };
        let bytes = FileBytes(fs::File::open(path("out")).unwrap());
        let bundle = Bundle::open_with(bytes, &trusted, drydock_format::Tail::Nothing).unwrap();
        let delta = bundle.manifest().deltas[0].clone();
        assert!(bundle.read_further(&delta.index, 1 << 20).is_ok());
    }
}
