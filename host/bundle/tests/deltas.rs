//! Deltas in bundles. What is run is the text of `docs/deltas.md` itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::recipe;
use drydock_bundle::create::{Input, Known, create};
use drydock_bundle::keys::{PrivateKey, write_public};
use drydock_bundle::slim;
use drydock_fixtures::noise;
use drydock_format::{Bundle, LEFT_OUT, Trusted};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A tool that is run as the documents say, in a folder with an old and a new image.
struct Workbench {
    folder: tempfile::TempDir,
    key: PrivateKey,
}

impl Workbench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate().unwrap();
        key.write(&folder.path().join("key.pem")).unwrap();
        write_public(&key.public().unwrap(), &folder.path().join("key.pub.pem")).unwrap();
        let old = noise(300 * 4096, 1);
        let mut new = old.clone();
        new.rotate_left(8192);
        new[100_000..100_100].fill(7);
        fs::write(folder.path().join("old.img"), old).unwrap();
        fs::write(folder.path().join("new.img"), new).unwrap();
        let bench = Self { folder, key };
        bench.bundle("old", &[]);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bundle(&self, name: &str, bases: &[Known]) -> PathBuf {
        let input =
            Input { name: "root".into(), class: "root".into(), path: self.path(&format!("{name}.img")) };
        let path = self.path(&format!("{name}.drydock"));
        let recipe = drydock_bundle::create::Recipe {
            bases: bases.to_vec(),
            compatible: "acme-pump".into(),
            salt: drydock_bundle::create::default_salt("acme-pump"),
            ..recipe(vec![input])
        };
        create(&recipe, &path, |_, _, _| ()).unwrap();
        path
    }

    fn run(&self, script: &str) -> Output {
        let tool = Path::new(env!("CARGO_BIN_EXE_drydock-bundle")).parent().unwrap();
        let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
        let variables = [("OLD", "old.drydock"), ("IMAGE", "new.img"), ("KEY", "key.pem")]
            .map(|(name, file)| (name, self.path(file)));
        let bash = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .envs(variables)
            .output();
        bash.unwrap()
    }

    fn trusted(&self) -> Trusted {
        Trusted { keys: vec![self.key.public().unwrap()], threshold: 1 }
    }
}

fn documented() -> String {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deltas.md")).unwrap();
    let marked = text.split_once("<!-- test: delta -->\n```sh\n").expect("no such block").1;
    marked.split_once("\n```\n").unwrap().0.to_string()
}

#[test]
fn the_commands_of_the_document_make_a_delta_and_a_slim_bundle() {
    let bench = Workbench::new();
    let output = bench.run(&documented());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let old = Bundle::open_unverified(fs::read(bench.path("old.drydock")).unwrap()).unwrap();
    let hash = old.manifest().images[0].root_hash;
    assert!(text.contains(&format!("bytes for devices that have {hash}")), "{text}");
    assert!(text.contains("left out    root.zst\n"), "{text}");
    let len = |name: &str| fs::metadata(bench.path(name)).unwrap().len();
    assert!(
        len("slim.drydock") < 30_000 && len("new.drydock") > 600_000,
        "{} {}",
        len("slim.drydock"),
        len("new.drydock")
    );
    // Both are the same release, and signed.
    let open = |name: &str| Bundle::open(fs::read(bench.path(name)).unwrap(), &bench.trusted()).unwrap();
    let (new, slim) = (open("new.drydock"), open("slim.drydock"));
    assert_eq!(new.manifest_digest(), slim.manifest_digest());
    assert!(new.image("root").unwrap().has_frames() && !slim.image("root").unwrap().has_frames());
    let error = slim.image("root").unwrap().read_frame(0, &mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("root.zst was left out of this one, and is needed here; take the whole bundle"),
        "{error}"
    );
}

#[test]
fn a_base_is_a_bundle_or_an_image_and_each_is_there_once() {
    let bench = Workbench::new();
    let known =
        |image: Option<&str>, name: &str| Known { image: image.map(Into::into), path: bench.path(name) };
    let bases = [
        known(None, "old.drydock"),
        known(None, "old.img"),
        known(Some("root"), "old.img"),
        known(Some("other"), "old.img"),
    ];
    let path = bench.bundle("new", &bases);
    let bundle = Bundle::open_unverified(fs::read(path).unwrap()).unwrap();
    assert_eq!(bundle.manifest().deltas.len(), 1);
    // An image that has become another one altogether has no delta.
    fs::write(bench.path("new.img"), noise(300 * 4096, 5)).unwrap();
    let path = bench.bundle("new", &bases);
    assert!(Bundle::open_unverified(fs::read(path).unwrap()).unwrap().manifest().deltas.is_empty());
}

#[test]
fn a_bundle_without_a_delta_from_there_is_not_cut_down() {
    let bench = Workbench::new();
    let path = bench.bundle("new", &[]);
    let bundle = Bundle::open_unverified(fs::read(path).unwrap()).unwrap();
    let from = [Known { image: None, path: bench.path("old.drydock") }];
    let error = slim(&bundle, &from, &bench.path("slim.drydock")).unwrap_err().to_string();
    assert!(error.contains("the bundle has no delta from any of them"), "{error}");
    assert!(!bench.path("slim.drydock").exists());
}

#[test]
fn what_a_slim_bundle_says_it_left_out_must_make_sense() {
    let bench = Workbench::new();
    bench.run(&documented());
    let slim = fs::read(bench.path("slim.drydock")).unwrap();
    let place = |text: &str| slim.windows(text.len()).position(|bytes| bytes == text.as_bytes()).unwrap();
    for (from, to) in [
        ("root.frames\nroot.zst\n", "root.zst\nroot.frames\n"),
        ("root.frames\nroot.zst\n", "root.groups\nroot.zst\n"),
    ] {
        let mut bent = slim.clone();
        bent[place(from)..][..from.len()].copy_from_slice(to.as_bytes());
        let error = Bundle::open_unverified(bent).err().expect("it is refused").to_string();
        assert!(error.contains("root."), "{error}");
    }
    assert!(place(LEFT_OUT) > 0);
}
