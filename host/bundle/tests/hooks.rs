//! Hooks of a release: made by the tool, read as a device does, and refused where a device could not call them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_bundle::keys::PrivateKey;
use drydock_format::hook::Place;
use drydock_format::{Bundle, Error, Manifest, Trusted};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder with an image, a key and a program.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        fs::write(bench.path("root.img"), vec![7; 64 << 10]).unwrap();
        fs::write(bench.path("check.bin"), "a program").unwrap();
        assert!(bench.tool(&["keygen", "key.pem"]).status.success());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tool(&self, arguments: &[&str]) -> Output {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_drydock-bundle"));
        tool.current_dir(self.0.path()).args(arguments).output().unwrap()
    }

    fn create(&self, hooks: &str) -> Output {
        fs::write(self.path("hooks.toml"), hooks).unwrap();
        let image = ["--image", "root=root.img", "--key", "key.pem", "--hooks", "hooks.toml"];
        let release = ["create", "-o", "u.drydock", "--compatible", "demo", "--version", "2"];
        self.tool(&[&release[..], &image[..]].concat())
    }

    fn open(&self) -> Bundle {
        let key = PrivateKey::read(Path::new(&self.path("key.pem"))).unwrap();
        let trusted = Trusted { keys: vec![key.public().unwrap()], threshold: 1 };
        Bundle::open(drydock_bundle::open_file(&self.path("u.drydock")).unwrap(), &trusted).unwrap()
    }
}

const TWO: &str = "
[[hook]]
name = \"check\"
at = \"before-write\"
program = \"check.bin\"
arguments = [\"--strict\"]
memory_mib = 16

[[hook]]
name = \"well\"
at = \"first-good\"
file = \"/usr/lib/well\"
wait_seconds = 30
";

#[test]
fn a_release_carries_its_hooks_signed_and_a_device_that_knows_none_refuses_it() {
    let bench = Bench::new();
    let made = bench.create(TWO);
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(said.contains("hook        check at before-write: check.hook\n"), "{said}");
    assert!(said.contains("hook        well at first-good: /usr/lib/well in its root\n"), "{said}");
    let bundle = bench.open();
    let manifest = bundle.manifest();
    assert_eq!(bundle.read_further("check.hook", 100).unwrap(), b"a program");
    let [check, well] = &manifest.hooks[..] else { panic!("{:?}", manifest.hooks) };
    assert_eq!(
        (check.at, &check.arguments[..], check.memory_mib),
        (Place::BeforeWrite, &["--strict".into()][..], 16)
    );
    assert_eq!((well.file.as_deref(), well.wait_seconds), (Some("/usr/lib/well"), 30));
    assert_eq!(manifest.critical, ["hooks"]);
    // Whoever does not know the field knows that it must.
    let text = String::from_utf8(bundle.manifest_bytes().to_vec()).unwrap();
    let unknown = text.replace("\"critical\":[\"hooks\"]", "\"critical\":[\"hawks\"]");
    assert!(
        matches!(Manifest::parse(unknown.as_bytes()), Err(Error::UnknownCritical { field }) if field == "hawks")
    );
    let shown = bench.tool(&["--json", "info", "u.drydock"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["manifest"]["hooks"][0]["member"], "check.hook");
}

#[test]
fn an_author_may_let_devices_pass_hooks_over() {
    let bench = Bench::new();
    assert!(bench.create(&format!("may_be_passed_over = true\n{TWO}")).status.success());
    assert!(bench.open().manifest().critical.is_empty());
}

#[test]
fn the_program_of_a_hook_is_among_what_a_device_fetches_first() {
    let bench = Bench::new();
    assert!(bench.create(TWO).status.success());
    let bundle = bench.open();
    let at = bundle.bytes_of("check.hook").unwrap().offset();
    let key = PrivateKey::read(Path::new(&bench.path("key.pem"))).unwrap();
    let trusted = Trusted { keys: vec![key.public().unwrap()], threshold: 1 };
    let file = drydock_bundle::open_file(&bench.path("u.drydock")).unwrap();
    let outline = Bundle::outline(file, &trusted).unwrap();
    assert!(outline.ranges.iter().any(|range| range.contains(&at) && range.contains(&(at + 8))));
}

#[test]
fn hooks_that_no_device_could_call_are_refused_with_what_is_wrong() {
    let bench = Bench::new();
    for (hooks, why) in [
        ("[[hook]]\nname = \"x\"\nat = \"before-write\"\nfile = \"/x\"\n", "must be a `member`"),
        ("[[hook]]\nname = \"x\"\nat = \"first-good\"\nprogram = \"check.bin\"\n", "no bundle"),
        ("[[hook]]\nname = \"x\"\nat = \"after-write\"\nprogram = \"none.bin\"\n", "none.bin"),
        ("[[hook]]\nname = \"x\"\nat = \"after-write\"\n", "a `member` or a `file`"),
        ("[[hook]]\nname = \"x\"\nat = \"at-once\"\nfile = \"/x\"\n", "at-once"),
        ("[[hook]]\nname = \"x\"\nat = \"after-write\"\nfile = \"/x\"\nroot = true\n", "root"),
        (&TWO.replace("well", "check").replace("first-good", "after-write"), "is there twice"),
    ] {
        let refused = bench.create(hooks);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains(why), "{hooks}: {said}");
        assert!(!bench.path("u.drydock").exists());
    }
}
