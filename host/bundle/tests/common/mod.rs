//! Bundles to take apart, break and put together again.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

pub mod factory;

use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_bundle::keys::PrivateKey;
use drydock_format::Error;
use drydock_format::frames::Decoder;
use drydock_format::signature::{MEMBER_SIZE, add};
use drydock_format::tar::{END, Header, padded};
use drydock_format::{Bundle, Trusted, sha256};
use std::path::Path;
use std::sync::OnceLock;

/// The frame size of the sample: one group, so that a small image has several frames.
pub const FRAME: u32 = 512 << 10;

/// Bytes that look random and are always the same.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

pub fn input(name: &str, path: &Path) -> Input {
    Input { name: name.into(), class: name.into(), path: path.into() }
}

pub fn recipe(images: Vec<Input>) -> Recipe {
    Recipe {
        compatible: "acme-pump".into(),
        version: "2.0.1".into(),
        security_version: 2,
        salt: default_salt("acme-pump"),
        frame_size: FRAME,
        level: 3,
        workers: 2,
        images,
        pins: Vec::new(),
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

/// A bundle in pieces.
#[derive(Clone)]
pub struct Parts(pub Vec<(String, Vec<u8>)>);

impl Parts {
    /// The sample, unsigned.
    pub fn sample() -> Self {
        static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
        Self::of(SAMPLE.get_or_init(|| {
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

    pub fn of(mut bytes: &[u8]) -> Self {
        let mut parts = Vec::new();
        while let Some(header) = Header::decode(bytes[..512].try_into().unwrap()) {
            let size = header.size as usize;
            parts.push((header.name, bytes[512..512 + size].to_vec()));
            bytes = &bytes[512 + padded(header.size) as usize..];
        }
        Self(parts)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, data) in &self.0 {
            bytes.extend(Header { name: name.clone(), size: data.len() as u64 }.encode());
            bytes.extend(data);
            bytes.resize(padded(bytes.len() as u64) as usize, 0);
        }
        bytes.resize(bytes.len() + END as usize, 0);
        bytes
    }

    pub fn index(&self, name: &str) -> usize {
        self.0.iter().position(|(have, _)| have == name).unwrap()
    }

    pub fn get(&mut self, name: &str) -> &mut Vec<u8> {
        let index = self.index(name);
        &mut self.0[index].1
    }

    /// Where a member's bytes begin in the file.
    pub fn offset(&self, name: &str) -> usize {
        self.0
            .iter()
            .take(self.index(name))
            .map(|(_, d)| 512 + padded(d.len() as u64) as usize)
            .sum::<usize>()
            + 512
    }

    pub fn manifest(&mut self) -> String {
        String::from_utf8(self.get("manifest.json").clone()).unwrap()
    }

    /// Replaces the one place in the manifest that has `from`.
    pub fn edit(mut self, from: &str, to: &str) -> Self {
        let manifest = self.manifest();
        assert_eq!(manifest.matches(from).count(), 1, "{from} in {manifest}");
        *self.get("manifest.json") = manifest.replace(from, to).into_bytes();
        self
    }

    /// Adds members that no image implies, as a later version might, with their digests in the manifest.
    pub fn with_further(self, further: &[(&str, Vec<u8>)]) -> Self {
        let entry = |(name, data): &(&str, Vec<u8>)| {
            format!(r#",{{"name":"{name}","size":{},"sha256":"{}","later":true}}"#, data.len(), sha256(data))
        };
        let entries: String = further.iter().map(entry).collect();
        let mut parts = self.edit(r#"],"critical""#, &format!(r#"{entries}],"critical""#));
        parts.0.extend(further.iter().map(|(name, data)| (name.to_string(), data.clone())));
        parts
    }

    pub fn sign(mut self, keys: &[&PrivateKey]) -> Self {
        let manifest = self.get("manifest.json").clone();
        let mut member = vec![b'\n'; MEMBER_SIZE];
        for key in keys {
            member = add(&member, &key.sign(&manifest).unwrap()).unwrap();
        }
        *self.get("manifest.sig") = member;
        self
    }
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
