//! Bundles of a made-up later version: what this one does not know it passes by, unless it must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{images, read, sample, trust};
use drydock_bundle::keys::PrivateKey;
use drydock_fixtures::{Parts, noise};
use drydock_format::Error;
use drydock_format::{Bundle, MAX_FURTHER, Manifest};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());

/// What a release with deltas may look like: an index and data for a base, the data longer than one read, something
/// empty, and fields that mean nothing here.
fn later() -> Parts {
    let further = [
        ("root.delta.0123456789abcdef.index", noise(700, 3)),
        ("root.delta.0123456789abcdef.data", noise(3_000_000, 4)),
        ("notes", Vec::new()),
    ];
    let patches =
        r#""patches":[{"image":"root","base":"00","kind":"runs/1","members":[2,3]}],"probes":[{"run":"x"}],"#;
    sample()
        .with_further(&further)
        .edit(r#""critical""#, &format!(r#"{patches}"critical""#))
        .edit(r#""name":"boot","#, r#""name":"boot","packing":{"order":"as-is"},"#)
}

fn open(parts: &Parts) -> Result<(), Error> {
    Bundle::open(parts.bytes(), &trust(&[&KEY], 1)).map(|_| ())
}

fn refused(parts: &Parts, words: &str) -> Error {
    let error = open(parts).expect_err(words);
    assert!(error.to_string().contains(words), "`{words}` is not in: {error}");
    error
}

fn tool(dir: &Path, line: &str) -> Output {
    let tool = env!("CARGO_BIN_EXE_drydock-bundle");
    Command::new(tool).args(line.split_whitespace()).current_dir(dir).output().unwrap()
}

/// Calls the tool, which must end with this code and say these words.
fn says(dir: &Path, line: &str, code: i32, words: &[&str]) {
    let output = tool(dir, line);
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{line}: {text}");
    words.iter().for_each(|word| assert!(text.contains(word), "{line}: `{word}` is not in: {text}"));
}

#[test]
fn what_is_not_known_is_passed_by() {
    let parts = later().signed(&[&KEY]);
    assert_eq!(read(parts.bytes(), &trust(&[&KEY], 1)).unwrap(), images());
    let manifest = Manifest::parse(later().manifest().as_bytes()).unwrap();
    let names: Vec<_> = manifest.further().iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["root.delta.0123456789abcdef.index", "root.delta.0123456789abcdef.data", "notes"]);
}

#[test]
fn what_is_critical_is_not_passed_by() {
    for name in ["patches", "probes", "root.delta.0123456789abcdef.data", "images.packing"] {
        let parts = later().edit(r#""critical":[]"#, &format!(r#""critical":["{name}"]"#)).signed(&[&KEY]);
        let error = refused(&parts, "update the recovery");
        assert!(matches!(&error, Error::UnknownCritical { field } if field == name), "{error:?}");
    }
    // For a later recovery the rest may have any form: what helps is said all the same.
    let newer = later().edit(r#""min_recovery":1"#, r#""min_recovery":2"#);
    for parts in [newer.clone(), newer.edit(r#""class":"boot""#, r#""class":["boot"]"#)] {
        let error = refused(&parts.signed(&[&KEY]), "update the recovery first");
        assert!(matches!(error, Error::NeedsNewerRecovery { needed: 2, have: 1 }), "{error:?}");
    }
}

#[test]
fn further_members_keep_within_bounds() {
    let named = |name: &str| sample().with_further(&[(name, vec![1])]).signed(&[&KEY]);
    open(&named("root.zs")).unwrap();
    open(&named("boot2.zst")).unwrap();
    open(&named(&"x".repeat(100))).unwrap();
    for name in
        ["", ".hidden", "-rf", "../up", "a/b", "Root", "caf\u{e9}", "x y", "manifest.json", "manifest.sig"]
    {
        refused(&named(name), "members");
    }
    refused(&named(&"x".repeat(101)), "no name for a member");
    for name in ["root.zst", "root.zst.1", "boot.zst.0", "boot.groups", "root.frames", "root.zstd"] {
        refused(&named(name), "is not where that image's members belong");
    }
    let twice = sample().with_further(&[("x", vec![1]), ("x", vec![1])]);
    refused(&twice.signed(&[&KEY]), "\"x\" is there twice");

    let one = || sample().with_further(&[("x", vec![1])]);
    let sized = |size: &str| one().edit(r#""name":"x","size":1"#, &format!(r#""name":"x","size":{size}"#));
    for size in ["2147483649", "18446744073709551615", "18446744073709551616", "-1", "1.0", "\"1\""] {
        let error = open(&sized(size).signed(&[&KEY])).unwrap_err();
        assert!(matches!(error, Error::Field { .. }), "{size}: {error:?}");
    }
    refused(&sized("2147483648").signed(&[&KEY]), "truncated to 1 bytes of 2147483648");
    refused(&sized("0").signed(&[&KEY]), "longer than the stated");
    let digest = drydock_format::sha256(&[1]).to_string();
    let unhashed = one().edit(&format!(r#","sha256":"{digest}""#), "");
    refused(&unhashed.signed(&[&KEY]), "has no sha256");
    refused(&one().edit(&digest, "00").signed(&[&KEY]), "not 64 hex digits");

    let names: Vec<String> = (0..=MAX_FURTHER).map(|number| format!("s{number}")).collect();
    let further: Vec<_> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
    open(&sample().with_further(&further[1..]).signed(&[&KEY])).unwrap();
    refused(&sample().with_further(&further).signed(&[&KEY]), "up to 4096 are allowed");
}

#[test]
fn further_members_must_be_where_the_manifest_says() {
    let good = || later().signed(&[&KEY]);
    for name in ["root.delta.0123456789abcdef.index", "root.delta.0123456789abcdef.data", "notes"] {
        let mut parts = good();
        let index = parts.index(name);
        parts.members.remove(index);
        refused(&parts, "is missing");
        let mut parts = good();
        parts.get(name).push(0);
        refused(&parts, "longer than the stated");
        let mut damaged = good().bytes();
        damaged[good().offset(name) - 512 + 3] ^= 1;
        assert!(Bundle::open(damaged, &trust(&[&KEY], 1)).is_err());
    }
    let whole = good().bytes();
    for len in [whole.len() - 1, whole.len() - 1024, whole.len() - 1_000_000] {
        let error = Bundle::open(whole[..len].to_vec(), &trust(&[&KEY], 1)).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "{error:?}");
    }
    let mut early = good();
    let moved = early.members.remove(early.index("notes"));
    early.members.insert(2, moved);
    refused(&early, "root.groups");
}

#[test]
fn the_host_tool_knows_its_way_around_them() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    says(dir, "keygen k.pem", 0, &[]);
    let unsigned = later().bytes();
    fs::write(dir.join("v.drydock"), &unsigned).unwrap();
    says(dir, "info v.drydock", 0, &["root.delta.0123456789abcdef.data: 3000000 bytes", "not signed"]);
    says(dir, "sign v.drydock --key k.pem", 0, &["signed by"]);
    let signed = fs::read(dir.join("v.drydock")).unwrap();
    let (mut before, mut after) = (Parts::of(&unsigned), Parts::of(&signed));
    assert!(before.get("manifest.sig") != after.get("manifest.sig"));
    *before.get("manifest.sig") = after.get("manifest.sig").clone();
    assert!(before.bytes() == signed, "signing changed something else");

    says(dir, "verify v.drydock --key k.pub.pem", 0, &["notes: 0 bytes", "every image is whole"]);
    says(dir, "--json verify v.drydock --key k.pub.pem", 0, &["\"sha256\""]);
    says(dir, "extract v.drydock --key k.pub.pem", 0, &[]);
    for (name, image) in ["root.img", "boot.img"].into_iter().zip(images()) {
        assert!(fs::read(dir.join(name)).unwrap() == image, "{name}");
    }

    // Damage there is nothing that keeps a device from its update, and nothing that a vendor ships.
    let mut damaged = signed;
    let at = after.offset("root.delta.0123456789abcdef.data") + 2_999_999;
    damaged[at] ^= 1;
    fs::write(dir.join("v.drydock"), &damaged).unwrap();
    let words = ["root.delta.0123456789abcdef.data", "does not have its signed SHA-256"];
    says(dir, "verify v.drydock --key k.pub.pem", 3, &words);
    says(dir, "extract v.drydock --key k.pub.pem", 0, &[]);

    let critical = later().edit(r#""critical":[]"#, r#""critical":["patches"]"#);
    fs::write(dir.join("v.drydock"), critical.bytes()).unwrap();
    for line in ["info v.drydock", "sign v.drydock --key k.pem", "extract v.drydock --unverified"] {
        says(dir, line, 3, &["unknown critical field \"patches\"", "update"]);
    }
}
