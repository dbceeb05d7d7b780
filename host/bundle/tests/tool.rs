//! The host tool as it is called: exit codes, JSON, determinism, sparse images.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use drydock_fixtures::{Parts, noise};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn tool(dir: &Path, line: &str) -> Output {
    let tool = env!("CARGO_BIN_EXE_drydock-bundle");
    Command::new(tool).args(line.split_whitespace()).current_dir(dir).output().unwrap()
}

/// Calls the tool with `--json` and returns what it printed and its exit code.
fn json(dir: &Path, line: &str) -> (Value, i32) {
    let output = tool(dir, &format!("--json {line}"));
    let value = serde_json::from_slice(&output.stdout);
    (value.unwrap_or_else(|error| panic!("{line}: {error}, {output:?}")), output.status.code().unwrap())
}

fn done(dir: &Path, line: &str) -> Value {
    let (value, code) = json(dir, line);
    assert_eq!(code, 0, "{line}: {value}");
    value
}

const CREATE: &str = "create --compatible acme-pump --version 2.0.1 --security-version 2";
const FAST: &str = "--frame-size 524288 --level 3";

/// A directory with two key pairs and two images.
fn workshop() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), "keygen k.pem");
    done(dir.path(), "keygen other.pem --public other.pub");
    fs::write(dir.path().join("root.img"), noise(3_000_000, 1)).unwrap();
    fs::write(dir.path().join("boot.img"), noise(5000, 2)).unwrap();
    dir
}

#[test]
fn from_keys_to_images() {
    let dir = workshop();
    let dir = dir.path();
    assert_eq!(fs::metadata(dir.join("k.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    let images = "--image root=root.img --image kernel=boot.img,class=boot";
    let hash = "0".repeat(64);
    let made = done(
        dir,
        &format!("{CREATE} {FAST} -o v.drydock {images} --pin extra={hash},size=8192,salt=00 --key k.pem"),
    );
    assert_eq!(made["manifest"]["images"][0]["size"], 3_002_368);
    assert_eq!(made["manifest"]["images"][1]["class"], "boot");
    // Image, tree (6 leaves and the block above), manifest and signatures, footer.
    let slot = 3_002_368 + 7 * 4096 + 8192 + 4096;
    assert_eq!(made["slots"]["root"], slot);
    let info = done(dir, "info v.drydock");
    assert_eq!((&info["slots"]["root"], &info["verified"]), (&slot.into(), &false.into()));
    assert_eq!(info["digest"], made["digest"]);

    let signed = done(dir, "sign v.drydock --key other.pem");
    assert_eq!(signed["signed_by"].as_array().unwrap().len(), 1);
    let verified = done(dir, "verify v.drydock --key k.pub.pem --key other.pub --threshold 2");
    assert_eq!(verified["signed_by"].as_array().unwrap().len(), 2);
    assert_eq!(verified["manifest"]["pins"][0]["class"], "extra");
    let before = fs::read(dir.join("v.drydock")).unwrap();
    done(dir, "sign v.drydock --key other.pem --key k.pem");
    done(dir, "verify v.drydock --key k.pub.pem --key other.pub --threshold 2");
    assert_eq!(before.len(), fs::read(dir.join("v.drydock")).unwrap().len());
    assert_eq!(tool(dir, "sign v.drydock --print-bytes").stdout, Parts::of(&before).manifest().into_bytes());

    fs::create_dir(dir.join("out")).unwrap();
    done(dir, "extract v.drydock --dir out --key k.pub.pem");
    let mut root = fs::read(dir.join("root.img")).unwrap();
    root.resize(3_002_368, 0);
    assert!(fs::read(dir.join("out/root.img")).unwrap() == root);
    assert_eq!(fs::metadata(dir.join("out/kernel.img")).unwrap().len(), 8192);
    done(dir, "extract v.drydock kernel --unverified");
    assert!(!dir.join("root.img.part").exists() && dir.join("kernel.img").exists());
}

#[test]
fn exit_codes_say_what_kind_of_failure_it_was() {
    let dir = workshop();
    let dir = dir.path();
    done(dir, &format!("{CREATE} {FAST} -o v.drydock --image root=root.img"));
    let fails = |line: &str, expected: i32, words: &str| {
        let (value, code) = json(dir, line);
        assert_eq!((code, &value["code"]), (expected, &expected.into()), "{line}: {value}");
        assert!(value["error"].as_str().unwrap().contains(words), "{line}: {value}");
    };
    fails("info nothing", 1, "opening nothing: No such file");
    fails("verify v.drydock --key k.pem", 1, "not an Ed25519 public key");
    fails("extract v.drydock nothing --unverified", 1, "no image \"nothing\"");
    fails("verify v.drydock --key k.pub.pem", 4, "there are none");
    done(dir, "sign v.drydock --key other.pem");
    fails("verify v.drydock --key k.pub.pem", 4, "unknown keys");
    fails("verify v.drydock --key other.pub --threshold 2", 4, "2 signatures wanted from 1");
    fails("keygen k.pem", 1, "File exists");
    assert_eq!(tool(dir, "verify v.drydock").status.code(), Some(2));
    assert_eq!(tool(dir, "extract v.drydock").status.code(), Some(2));
    assert_eq!(tool(dir, "sign v.drydock").status.code(), Some(2));

    // Damage in the data: found when it is unpacked, and no image is left that could be taken for one.
    let file = File::options().write(true).open(dir.join("v.drydock")).unwrap();
    file.write_all_at(&[0xaa; 1000], 2_000_000).unwrap();
    fails("verify v.drydock --key other.pub", 3, "damaged");
    fails("extract v.drydock --key other.pub --dir .", 3, "damaged");
    assert!(!dir.join("root.img.part").exists());
    assert!(fs::read(dir.join("root.img")).unwrap() == noise(3_000_000, 1), "the image there was replaced");
    file.set_len(3000).unwrap();
    fails("info v.drydock", 3, "truncated");

    fs::write(dir.join("empty"), "").unwrap();
    for (image, words) in [
        ("root=empty", "has 0 bytes"),
        ("root=nothing", "No such file"),
        ("Root=root.img", "Root"),
        ("root=root.img --image root=boot.img", "there twice"),
        ("root=root.img --level 23", "level 23"),
        ("root=root.img --frame-size 1000", "frame_size"),
    ] {
        fails(&format!("{CREATE} -o new --threads 2 --image {image}"), 1, words);
    }
    assert_eq!(tool(dir, &format!("{CREATE} -o new --image root=root.img --salt 0")).status.code(), Some(2));
    let left = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.contains("new") || name.contains("scratch")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let dir = workshop();
    let dir = dir.path();
    let make = |name: &str, more: &str| {
        done(
            dir,
            &format!(
                "{CREATE} {FAST} -o {name} --image root=root.img --image boot=boot.img --key k.pem {more}"
            ),
        );
        fs::read(dir.join(name)).unwrap()
    };
    let first = make("a", "--threads 1");
    std::thread::sleep(Duration::from_millis(1100));
    fs::rename(dir.join("root.img"), dir.join("moved.img")).unwrap();
    fs::copy(dir.join("moved.img"), dir.join("root.img")).unwrap();
    assert!(first == make("b", "--threads 5"));
    assert!(first != make("c", "--salt 00"));
}

#[test]
fn holes_are_neither_read_nor_written() {
    let dir = workshop();
    let dir = dir.path();
    let data = noise(100_000, 3);
    let sparse = |size: u64, at| {
        let file = File::create(dir.join("sparse")).unwrap();
        file.set_len(size).unwrap();
        file.write_all_at(&data, at).unwrap();
        let start = Instant::now();
        done(dir, "create --compatible x --version 1 --image root=sparse -o v.drydock --key k.pem");
        start.elapsed()
    };
    // To read and hash 256 GiB takes minutes on any machine, to step over them a second or two.
    let took = sparse(256 << 30, 200 << 30);
    assert!(took < Duration::from_secs(60), "{took:?}");

    let (size, at) = (1 << 30, 700 << 20);
    sparse(size, at);
    done(dir, "extract v.drydock --key k.pub.pem --dir .");
    let image = File::open(dir.join("root.img")).unwrap();
    let mut back = vec![0; data.len()];
    image.read_exact_at(&mut back, at).unwrap();
    assert!(back == data);
    let metadata = image.metadata().unwrap();
    assert_eq!(metadata.len(), size);
    assert!(metadata.blocks() * 512 < 1 << 20, "{} bytes on disk", metadata.blocks() * 512);
}

#[test]
fn completions_and_man_pages_know_every_subcommand() {
    let dir = tempfile::tempdir().unwrap();
    let script = String::from_utf8(tool(dir.path(), "completions bash").stdout).unwrap();
    let page = String::from_utf8(tool(dir.path(), "man").stdout).unwrap();
    assert!(page.contains("Exit codes"));
    tool(dir.path(), "man --dir .");
    for name in ["keygen", "create", "sign", "info", "verify", "extract"] {
        assert!(script.contains(&format!("drydock__bundle__subcmd__{name}")), "{name}");
        assert!(page.contains(&format!("drydock\\-bundle\\-{name}(1)")), "{name}");
        assert!(dir.path().join(format!("drydock-bundle-{name}.1")).exists(), "{name}");
    }
}
