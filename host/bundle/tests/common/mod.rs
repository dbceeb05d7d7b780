//! Bundles to take apart, break and put together again.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

pub mod factory;
pub mod workbench;

use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_bundle::keys::PrivateKey;
use drydock_fixtures::{COMPATIBLE, Parts, noise};
use drydock_format::Error;
use drydock_format::frames::Decoder;
use drydock_format::{Bundle, Trusted};
use std::path::Path;
use std::sync::OnceLock;

/// The frame size of the sample: one group, so that a small image has several frames.
pub const FRAME: u32 = 512 << 10;

pub fn input(name: &str, path: &Path) -> Input {
    Input { name: name.into(), class: name.into(), path: path.into() }
}

pub fn recipe(images: Vec<Input>) -> Recipe {
    Recipe {
        hooks: Default::default(),
        compatible: COMPATIBLE.into(),
        version: "2.0.1".into(),
        security_version: 2,
        salt: default_salt(COMPATIBLE),
        frame_size: FRAME,
        level: 3,
        workers: 2,
        images,
        pins: Vec::new(),
        bases: Vec::new(),
        keys: Vec::new(),
    }
}

/// The images of the sample: `root` with four groups, the last one short, and `boot` with one.
pub fn images() -> [Vec<u8>; 2] {
    let mut root = noise(3 * FRAME as usize + 40_000, 1);
    root[100_000..700_000].fill(0);
    root.resize(root.len().next_multiple_of(4096), 0);
    [root, noise(100 * 1024, 2)]
}

/// The sample in pieces, unsigned.
pub fn sample() -> Parts {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    Parts::of(SAMPLE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("root"), dir.path().join("boot")];
        for (path, data) in paths.iter().zip(images()) {
            std::fs::write(path, data).unwrap();
        }
        let recipe = recipe(vec![input("root", &paths[0]), input("boot", &paths[1])]);
        create(&recipe, &dir.path().join("bundle"), |_, _, _| ()).unwrap();
        std::fs::read(dir.path().join("bundle")).unwrap()
    }))
}

pub fn trust(keys: &[&PrivateKey], threshold: u32) -> Trusted {
    Trusted { keys: keys.iter().map(|key| key.public().unwrap()).collect(), threshold }
}

/// Reads all of a bundle as a device does, and returns its images.
pub fn read(bytes: Vec<u8>, trusted: &Trusted) -> Result<Vec<Vec<u8>>, Error> {
    let bundle = Bundle::open(bytes, trusted)?;
    let mut decoder = Decoder::new();
    let mut images = Vec::new();
    for image in &bundle.manifest().images {
        let reader = bundle.image(&image.name)?;
        let mut data = Vec::new();
        let mut buf = Vec::new();
        for frame in 0..image.frame_count() {
            let mut out = vec![0; image.frame_len(frame)];
            reader.read_frame(frame, &mut buf)?;
            reader.unpack(&mut decoder, frame, &buf, &mut out)?;
            reader.prove(frame, &out)?;
            data.extend(out);
        }
        images.push(data);
    }
    Ok(images)
}
