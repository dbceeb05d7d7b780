//! Every way that a bundle can be wrong, and the error that says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{images, read, sample, trust};
use drydock_bundle::keys::PrivateKey;
use drydock_fixtures::Parts;
use drydock_format::Error::{self, *};
use drydock_format::frames::FrameTable;
use drydock_format::{Bundle, FrameFault, Manifest, Tail, signature};
use proptest::prelude::*;
use std::sync::LazyLock;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());
static OTHER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());

fn good() -> Parts {
    sample().signed(&[&KEY])
}

/// What a device that trusts `KEY` says when it opens this.
fn open(parts: &Parts) -> Result<(), Error> {
    Bundle::open(parts.bytes(), &trust(&[&KEY], 1)).map(|_| ())
}

/// The same for a manifest edited before it was signed.
fn edited(from: &str, to: &str) -> Error {
    open(&sample().edit(from, to).signed(&[&KEY])).expect_err(&format!("{from} -> {to} is accepted"))
}

macro_rules! refused {
    ($result:expr, $error:pat $(if $guard:expr)?, $text:literal) => {{
        let error = $result.expect_err("accepted");
        assert!(matches!(&error, $error $(if $guard)?), "{error:?}");
        assert!(error.to_string().contains($text), "{error}");
    }};
}

#[test]
fn a_good_one_gives_its_images_back() {
    assert_eq!(read(good().bytes(), &trust(&[&KEY], 1)).unwrap(), images());
}

#[test]
fn signatures() {
    let open =
        |parts: &Parts, keys: &[&PrivateKey], n| Bundle::open(parts.bytes(), &trust(keys, n)).map(|_| ());
    refused!(open(&sample(), &[&KEY], 1), SignatureMissing, "there are none");
    refused!(open(&good(), &[&OTHER], 1), UnknownKeys { found } if found.len() == 1, "unknown keys");
    refused!(
        open(&good(), &[&KEY, &OTHER], 2),
        TooFewSignatures { valid: 1, threshold: 2 },
        "1 of the 2 keys"
    );
    refused!(open(&good(), &[], 1), BadThreshold { .. }, "from 0 trusted keys");
    refused!(open(&good(), &[&KEY], 0), BadThreshold { .. }, "0 signatures wanted");
    refused!(open(&good(), &[&KEY, &KEY], 2), BadThreshold { threshold: 2, keys: 1 }, "from 1 trusted");
    open(&sample().signed(&[&KEY, &OTHER]), &[&OTHER, &KEY], 2).unwrap();

    let mut parts = good();
    let member = parts.get("manifest.sig");
    let line = member.iter().position(|&b| b == b'\n').unwrap() + 1;
    member.copy_within(..line, line);
    open(&parts, &[&KEY], 1).unwrap();
    refused!(open(&parts, &[&KEY, &OTHER], 2), TooFewSignatures { valid: 1, .. }, "1 of the 2 keys");
}

#[test]
fn a_wrong_signature_of_a_trusted_key_spoils_the_others() {
    let changed = good().edit("2.0.1", "2.0.2");
    refused!(open(&changed), BadSignature { .. }, "changed after signing");
    let manifest = sample().get("manifest.json").clone();
    let forged = signature::Line { key: OTHER.public().unwrap().id(), signature: [7; 64] };
    let mut parts = good();
    let member = parts.get("manifest.sig").clone();
    *parts.get("manifest.sig") = signature::add(&member, &forged).unwrap();
    open(&parts).unwrap();
    let both = trust(&[&KEY, &OTHER], 1);
    refused!(signature::verify(&manifest, parts.get("manifest.sig"), &both), BadSignature { .. }, "is wrong");
}

#[test]
fn signature_lines() {
    let with = |text: &str| {
        let mut parts = good();
        let mut member = parts.get("manifest.sig").clone();
        member.splice(0..0, text.bytes());
        member.truncate(4096);
        *parts.get("manifest.sig") = member;
        open(&parts)
    };
    with("v2 anything at all\nv1 rsa x\nv12 \n").unwrap();
    let key = "0".repeat(64);
    let base64 = format!("{}==", "A".repeat(86));
    with(&format!("v1 ed25519 {key} {base64}\n")).unwrap();
    for line in [
        "\n",
        "hello\n",
        "v\n",
        "v1\n",
        "v1 ed25519\n",
        "vx ed25519 a b\n",
        "v1 ed\u{e9}\n",
        "v2 a\tb\n",
        &format!("v1 ed25519  {key} {base64}\n"),
        &format!("v1 ed25519 {key} {base64} \n"),
        &format!("v1 ed25519 {key} {base64}\r\n"),
        &format!("v1 ed25519 {} {base64}\n", key.replace('0', "A")),
        &format!("v1 ed25519 {key} {}\n", &base64[4..]),
        &format!("v1 ed25519 {key} AAAA{base64}\n"),
    ] {
        refused!(with(line), SignatureLine { line: 1, .. }, "line 1 of manifest.sig");
    }
}

#[test]
fn the_manifest_as_bytes() {
    let with = |manifest: Vec<u8>| {
        let mut parts = sample();
        *parts.get("manifest.json") = manifest;
        open(&parts.signed(&[&KEY]))
    };
    refused!(with(b"hello".to_vec()), NotABundle, "does not begin with");
    refused!(with(b" {\"drydock\":\"bundle/1\"}".to_vec()), NotABundle, "does not begin with");
    refused!(with(b"{\"drydock\":\"bundle/2\"}".to_vec()), NotABundle, "newer");
    refused!(with(b"{\"drydock\":\"bundle/1\" and so on".to_vec()), NotJson { .. }, "not JSON");
    refused!(with(b"{\"drydock\":\"bundle/1\",\"a\":\"\xff\"}".to_vec()), NotJson { .. }, "not JSON");
    let mut large = sample().get("manifest.json").clone();
    large.resize(1 << 20, b' ');
    with(large.clone()).unwrap();
    large.push(b' ');
    refused!(with(large), ManifestTooLarge { size: 1_048_577 }, "too large");
    let twice = |to| Err::<(), _>(edited(r#""version":"2.0.1""#, to));
    refused!(twice(r#""version":"2.0.1","version":"2.0.1""#), DuplicateKey { key } if key == "version", "duplicate");
    refused!(twice(r#""version":"2.0.1","x":[{"y":1,"y":2}]"#), DuplicateKey { key } if key == "y", "duplicate");
    refused!(twice(r#""version":"2.0.1","critical":[]"#), DuplicateKey { .. }, "duplicate");
}

#[test]
fn fields_of_the_manifest() {
    let critical = |names: &str| {
        open(&sample().edit(r#""critical":[]"#, &format!(r#""critical":{names},"x":{{}}"#)).signed(&[&KEY]))
    };
    critical("[]").unwrap();
    critical(r#"["images","pins"]"#).unwrap();
    refused!(critical(r#"["images","x"]"#), UnknownCritical { field } if field == "x", "unknown critical field \"x\"");
    refused!(critical(r#"["y"]"#), UnknownCritical { .. }, "unknown critical field");
    let newer = edited(r#""min_recovery":1"#, r#""min_recovery":2"#);
    assert!(matches!(newer, NeedsNewerRecovery { needed: 2, have: 1 }), "{newer:?}");

    let entry = |class, size: u64| {
        format!(r#"{{"class":"{class}","size":{size},"salt":"","root_hash":"{}"}}"#, "0".repeat(64))
    };
    let pin = |class, size| format!(r#""pins":[{}]"#, entry(class, size));
    let twice = format!(r#""pins":[{0},{0}]"#, entry("extra", 8192));
    open(&sample().edit(r#""pins":[]"#, &pin("extra", 8192)).signed(&[&KEY])).unwrap();
    // A pin's class is the name of its image too.
    let kernel = sample().edit(r#""name":"boot","class":"boot""#, r#""name":"boot","class":"kernel""#);
    open(&kernel.clone().signed(&[&KEY])).unwrap();
    let both = open(&kernel.edit(r#""pins":[]"#, &pin("boot", 8192)).signed(&[&KEY]));
    refused!(both, Field { .. }, "\"boot\" is there twice");

    let (root, size) = (r#""name":"root","class":"root""#, r#""size":1613824,"#);
    for (from, to) in [
        (r#""compatible":"acme-pump","#, ""),
        ("acme-pump", ""),
        ("acme-pump", "acme pump"),
        ("2.0.1", "2/0"),
        ("2.0.1", &"1".repeat(65)),
        (r#""security_version":2"#, r#""security_version":-1"#),
        (r#""security_version":2"#, r#""security_version":4294967296"#),
        (r#""security_version":2"#, r#""security_version":"2""#),
        (r#""pins":[]"#, &pin("root", 8192)),
        (r#""pins":[]"#, &pin("Extra", 8192)),
        (r#""pins":[]"#, &pin("extra", 4096)),
        (r#""pins":[]"#, r#""pins":[{"class":"extra"}]"#),
        (r#""pins":[]"#, &twice),
        (root, r#""name":"Root","class":"root""#),
        (root, r#""name":"ro.ot","class":"root""#),
        (root, r#""name":"boot","class":"root""#),
        (root, r#""name":"root","class":"boot""#),
        (size, r#""size":0,"#),
        (size, r#""size":4096,"#),
        (size, r#""size":1613825,"#),
        (size, r#""size":1613824.0,"#),
        (size, r#""size":1099511631872,"#),
        (size, r#""size":18446744073709547520,"#),
        (size, r#""size":18446744073709551616,"#),
        (size, r#""size":2138112,"#),
    ] {
        let error = edited(from, to);
        assert!(matches!(error, Field { .. }), "{to}: {error:?}");
    }
    let sample = sample().manifest();
    let images = &sample[sample.find(r#""images":"#).unwrap()..sample.find(r#","pins""#).unwrap()];
    for change in [
        r#""images":[]"#.to_string(),
        images.replacen("524288", "524289", 1),
        images.replacen("524288", "0", 1),
        images.replacen("524288", "4718592", 1),
        images.replacen("\"salt\":\"", "\"salt\":\"00", 1),
        images.replacen("\"salt\":\"7", "\"salt\":\"", 1),
        images.replacen("\"root_hash\":\"", "\"root_hash\":\"0", 1),
    ] {
        let error = edited(images, &change);
        assert!(matches!(error, Field { .. }), "{change}: {error:?}");
    }
}

#[test]
fn the_list_of_members() {
    for (from, to) in [
        (r#"{"name":"root.groups","size":4096},"#, ""),
        (r#"{"name":"root.groups","size":4096}"#, r#"{"name":"root.groups","size":8192}"#),
        (r#"{"name":"root.frames","size":16}"#, r#"{"name":"root.frames","size":20}"#),
        (r#"{"name":"root.zst""#, r#"{"name":"root.zst.0""#),
        (r#"{"name":"root.zst""#, r#"{"name":"boot.zst""#),
        (r#"{"name":"root.zst","size":"#, r#"{"name":"root.zst","size":9"#),
        (r#"{"name":"boot.groups","size":0}"#, r#"{"name":"boot.groups","size":0},{"name":"x","size":1}"#),
        (r#""critical""#, r#""members2":1,"critical""#),
    ] {
        let result = open(&sample().edit(from, to).signed(&[&KEY]));
        if to.contains("members2") {
            result.unwrap();
        } else {
            refused!(result, Field { field, .. } if field == "members", "members");
        }
    }
}

#[test]
fn members_that_are_not_where_they_should_be() {
    for index in 0..good().members.len() {
        let mut missing = good();
        let (name, _) = missing.members.remove(index);
        refused!(open(&missing), MemberMissing { member } if *member == name, "is missing");

        let mut reordered = good();
        let moved = reordered.members.remove(index);
        reordered.members.push(moved);
        if index < good().members.len() - 1 {
            refused!(open(&reordered), MemberReordered { member, .. } if *member == name, "out of order");
        }

        if name == "manifest.json" {
            continue;
        }
        let mut longer = good();
        longer.get(&name).push(0);
        refused!(open(&longer), MemberLonger { member, .. } if *member == name, "longer than the stated");
        let mut shorter = good();
        if shorter.get(&name).pop().is_some() {
            refused!(open(&shorter), MemberShorter { member, .. } if *member == name, "truncated");
        }
        let mut damaged = good().bytes();
        damaged[good().offset(&name) - 512 + 3] ^= 1;
        refused!(
            Bundle::open(damaged, &trust(&[&KEY], 1)).map(|_| ()),
            NoHeader { member, .. } if *member == name,
            "no valid tar header"
        );
    }
}

#[test]
fn the_end() {
    let with = |bytes: Vec<u8>, tail| Bundle::open_with(bytes, &trust(&[&KEY], 1), tail).map(|_| ());
    let bytes = good().bytes();
    let padded = |byte| {
        let mut padded = bytes.clone();
        padded.resize(bytes.len().next_multiple_of(10240), byte);
        padded
    };
    with(padded(0), Tail::Nothing).unwrap();
    refused!(with(padded(1), Tail::Nothing), TrailingData { .. }, "does not end at byte");
    let mut more = padded(0);
    more.push(0);
    refused!(with(more, Tail::Nothing), TrailingData { .. }, "does not end at byte");
    with(padded(1), Tail::Anything).unwrap();
    let mut another = good();
    another.members.push(("more".into(), vec![1]));
    refused!(open(&another), TrailingData { .. }, "does not end at byte");
    refused!(with(another.bytes(), Tail::Anything), TrailingData { .. }, "does not end at byte");
    refused!(with(Vec::new(), Tail::Nothing), Truncated { len: 0, .. }, "truncated to 0 bytes");
}

#[test]
fn tables_and_frames() {
    let read = |parts: &Parts| read(parts.bytes(), &trust(&[&KEY], 1)).map(|_| ());
    let mut parts = good();
    parts.get("root.groups")[4095] ^= 1;
    refused!(read(&parts), Groups { image } if image == "root", "does not hash to the signed root");
    let mut parts = good();
    parts.get("root.frames")[0] ^= 1;
    refused!(read(&parts), Frames { .. }, "lengths that add up to");
    parts.get("root.frames")[4] ^= 1;
    let moved = read(&parts).unwrap_err();
    assert!(
        matches!(moved, Frames { .. } | Frame { frame: 0, fault: FrameFault::NotOneFrame, .. }),
        "{moved:?}"
    );
    let mut parts = good();
    parts.get("boot.frames")[3] = 0xff;
    refused!(read(&parts), Frames { .. }, "frame 0 of");
    let mut parts = good();
    parts.get("boot.zst")[0] ^= 1;
    refused!(read(&parts), Frame { fault: FrameFault::NotZstd, frame: 0, .. }, "not a zstd frame");
    let mut parts = good();
    let middle = parts.get("boot.zst").len() / 2;
    parts.get("boot.zst")[middle] ^= 1;
    refused!(read(&parts), Group { group: 0, .. } | Frame { .. }, "damaged");
    let mut parts = good();
    let image = parts.manifest();
    let root = &image[image.find("root_hash\":\"").unwrap() + 12..][..64];
    let parts = sample().edit(root, &"0".repeat(64)).signed(&[&KEY]);
    refused!(read(&parts), Groups { .. }, "does not hash");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever bit flips, the images are either refused or exactly the signed ones.
    #[test]
    fn no_flipped_bit_changes_an_image(at in 0..good().bytes().len(), bit in 0u8..8) {
        let mut bytes = good().bytes();
        bytes[at] ^= 1u8 << bit;
        if let Ok(read) = read(bytes, &trust(&[&KEY], 1)) {
            prop_assert!(read == images());
        }
    }

    /// Signed by mistake, or on purpose: what parses after the signature survives anything too.
    #[test]
    fn a_damaged_manifest_is_survived(at in 0usize..800, cut in 0usize..20, put in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut manifest = sample().manifest().into_bytes();
        let at = at.min(manifest.len() - cut);
        manifest.splice(at..at + cut, put);
        if let Ok(parsed) = Manifest::parse(&manifest) {
            prop_assert_eq!(Manifest::parse(&parsed.to_bytes()).unwrap(), parsed);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let image = Manifest::parse(sample().manifest().as_bytes()).unwrap().images[0].clone();
        prop_assert!(signature::verify(b"", &bytes, &trust(&[&KEY], 1)).is_err());
        prop_assert!(image.group_digests(&bytes).is_err());
        let _ = FrameTable::parse(&image, &bytes[..bytes.len().min(16)], 0);
        prop_assert!(Bundle::open(bytes, &trust(&[&KEY], 1)).is_err());
    }

    #[test]
    fn cut_anywhere_it_is_refused(len in 0..good().bytes().len()) {
        let mut bytes = good().bytes();
        bytes.truncate(len);
        let error = Bundle::open(bytes, &trust(&[&KEY], 1)).map(|_| ()).unwrap_err();
        prop_assert!(matches!(error, Truncated { .. }), "{:?}", error);
    }
}

#[test]
fn a_flipped_bit_in_the_signed_members_is_refused() {
    for name in ["manifest.json", "manifest.sig"] {
        let mut parts = good();
        let len = parts.get(name).len().min(165);
        for at in 0..len {
            let mut parts = good();
            parts.get(name)[at] ^= 1;
            assert!(open(&parts).is_err(), "{name} byte {at}");
        }
    }
}
