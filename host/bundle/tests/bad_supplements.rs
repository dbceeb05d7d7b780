//! Lists of later deltas that are damaged, forged, misplaced or of another release: none is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{images, read, sample, trust};
use drydock_bundle::keys::PrivateKey;
use drydock_fixtures::{Parts, noise};
use drydock_format::delta::{Base, Delta, MAX_DELTAS};
use drydock_format::supplement::Format;
use drydock_format::{Bundle, DELTAS, DELTAS_SIGNATURES, Digest, Error, LEFT_OUT, Manifest, Member};
use drydock_format::{MAX_FURTHER, SIGNATURES, Supplement, sha256};
use proptest::prelude::*;
use std::sync::LazyLock;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());
static OTHER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());

const DOCUMENT: [&str; 2] = [DELTAS, DELTAS_SIGNATURES];

fn member(name: &str, bytes: &[u8]) -> Member {
    Member { name: name.into(), size: bytes.len() as u64, sha256: Some(sha256(bytes)) }
}

fn delta(base: u8, number: usize) -> Delta {
    Delta {
        image: "root".into(),
        base: Base { root_hash: Digest([base; 32]), size: 8192 },
        index: format!("root.delta-{number}.index"),
        data: format!("root.delta-{number}.data"),
    }
}

/// The members of a delta.
fn added() -> [(String, Vec<u8>); 2] {
    [("root.delta-0.index".into(), noise(80, 5)), ("root.delta-0.data".into(), noise(3000, 6))]
}

/// The list that belongs to a release.
fn list(release: &Parts) -> Supplement {
    Supplement {
        drydock: Format::V1,
        manifest: sha256(release.clone().manifest().as_bytes()),
        members: added().iter().map(|(name, bytes)| member(name, bytes)).collect(),
        deltas: vec![delta(1, 0)],
    }
}

/// Puts these bytes into a release as its list, signed by these keys.
fn with_list(mut release: Parts, bytes: &[u8], keys: &[&PrivateKey]) -> Parts {
    release.members.splice(2..2, DOCUMENT.map(|name| (name.into(), Vec::new())));
    release.sign_as(DOCUMENT, bytes, keys);
    release.members.extend(added());
    release
}

fn release() -> Parts {
    sample().signed(&[&KEY])
}

fn good() -> Parts {
    with_list(release(), &list(&release()).to_bytes(), &[&KEY])
}

/// The list after a change, signed.
fn changed(change: impl FnOnce(&mut Supplement)) -> Parts {
    let mut list = list(&release());
    change(&mut list);
    with_list(release(), &list.to_bytes(), &[&KEY])
}

fn open(parts: &Parts) -> Result<Bundle, Error> {
    Bundle::open(parts.bytes(), &trust(&[&KEY], 1))
}

/// A device that trusts `KEY` refuses it with these words, and so does one that has only its outline yet.
fn refused(parts: &Parts, words: &str) {
    let outline = Bundle::outline(parts.bytes(), &trust(&[&KEY], 1)).map(|_| ());
    for said in [open(parts).map(|_| ()), outline] {
        let said = said.expect_err(words).to_string();
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
}

#[test]
fn a_list_adds_to_the_release_and_changes_nothing_of_it() {
    let (release, bundle) = (open(&release()).unwrap(), open(&good()).unwrap());
    assert_eq!(bundle.manifest_bytes(), release.manifest_bytes());
    assert_eq!(bundle.signature_bytes(), release.signature_bytes());
    assert_eq!(bundle.manifest().deltas, [delta(1, 0)]);
    assert_eq!(bundle.read_further("root.delta-0.index", 1 << 20).unwrap(), noise(80, 5));
    assert_eq!(read(good().bytes(), &trust(&[&KEY], 1)).unwrap(), images());
    let mut damaged = good();
    damaged.get("root.delta-0.index")[7] ^= 1;
    let said = open(&damaged).unwrap().read_further("root.delta-0.index", 1 << 20).unwrap_err();
    assert!(matches!(said, Error::MemberDamaged { .. }), "{said}");
}

#[test]
fn a_list_of_another_release_is_refused() {
    let other = sample().edit("2.0.1", "2.0.2").signed(&[&KEY]);
    let taken = with_list(release(), &list(&other).to_bytes(), &[&KEY]);
    refused(&taken, "reading the list of later deltas: manifest: it is ");
    refused(&changed(|list| list.manifest.0[31] ^= 1), "and that of this release is ");
}

#[test]
fn a_list_without_enough_good_signatures_is_refused() {
    let bytes = list(&release()).to_bytes();
    let by = |keys: &[&PrivateKey]| with_list(release(), &bytes, keys);
    refused(&by(&[]), "checking deltas.json's signatures: there are none");
    refused(&by(&[&OTHER]), "checking deltas.json's signatures: signed only by unknown keys");
    open(&by(&[&OTHER, &KEY])).unwrap();
    // The signature of the release is none of the list, nor the other way round.
    let mut swapped = good();
    let (own, other) = (swapped.get(SIGNATURES).clone(), swapped.get(DELTAS_SIGNATURES).clone());
    swapped.get(DELTAS_SIGNATURES).clone_from(&own);
    refused(&swapped, "is wrong for this list of later deltas");
    swapped.get(SIGNATURES).clone_from(&other);
    refused(&swapped, "is wrong for this manifest");
    // The threshold is that of the release.
    let both = sample().signed(&[&KEY, &OTHER]);
    let two = trust(&[&KEY, &OTHER], 2);
    let bytes = list(&both).to_bytes();
    let one = with_list(both.clone(), &bytes, &[&KEY]).bytes();
    let said = Bundle::open(one, &two).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("checking deltas.json's signatures: 1 of the 2 keys"), "{said}");
    Bundle::open(with_list(both, &bytes, &[&KEY, &OTHER]).bytes(), &two).unwrap();
    // What only a host tool shows is shown without signatures.
    Bundle::open_unverified(by(&[]).bytes()).unwrap();
}

#[test]
fn the_two_documents_are_never_taken_for_each_other() {
    let manifest = release().manifest();
    refused(
        &with_list(release(), manifest.as_bytes(), &[&KEY]),
        "does not begin with {\"drydock\":\"deltas/1\"",
    );
    let mut bent = release();
    bent.sign(&list(&release()).to_bytes(), &[&KEY]);
    refused(&bent, "reading the manifest: it does not begin with {\"drydock\":\"bundle/1\"");
    assert!(Manifest::parse(&list(&release()).to_bytes()).is_err());
    assert!(Supplement::parse(manifest.as_bytes()).is_err());
}

#[test]
fn a_list_stands_in_its_place_once_and_whole() {
    let without = |name: &str| {
        let mut parts = good();
        let index = parts.index(name);
        parts.members.remove(index);
        parts
    };
    refused(&without(DELTAS_SIGNATURES), "deltas.sig is missing");
    let said = open(&without(DELTAS)).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("root.groups is out of order, deltas.sig is in its place"), "{said}");
    for at in [4, 6] {
        let mut twice = good();
        let document = [DELTAS, DELTAS_SIGNATURES].map(|name| (name.into(), good().get(name).clone()));
        twice.members.splice(at..at, document);
        let said = open(&twice).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("out of order, deltas.json is in its place"), "{said}");
    }
    let mut early = good();
    early.members.swap(2, 3);
    assert!(open(&early).is_err());
    for name in ["root.delta-0.index", "root.delta-0.data"] {
        assert!(open(&without(name)).is_err(), "{name}");
    }
    // The list of what was left out comes first.
    for (at, fits) in [(2, true), (4, false)] {
        let mut slim = without("root.delta-0.data");
        slim.members.insert(at, (LEFT_OUT.into(), b"root.delta-0.data\n".to_vec()));
        assert_eq!(open(&slim).is_ok(), fits, "{at}");
    }
    let mut short = good();
    short.get(DELTAS_SIGNATURES).pop();
    refused(&short, "deltas.sig is truncated to 4095 bytes");
}

#[test]
fn a_list_keeps_the_rules_of_the_manifest_with_what_the_manifest_has() {
    refused(&changed(|list| list.deltas.push(delta(1, 0))), "two lead from 0101");
    refused(&changed(|list| list.deltas[0].image = "rooot".into()), "no image of the release");
    refused(&changed(|list| list.deltas[0].data = "elsewhere".into()), "are not both further members");
    refused(&changed(|list| list.members[0].sha256 = None), "has no sha256");
    refused(&changed(|list| list.members[0].size = (1 << 20) + 1), "up to 1048576 are possible");
    refused(&changed(|list| list.members[1].size = (2 << 30) + 1), "up to 2147483648 are possible");
    refused(&changed(|list| list.members[1].name = "root.delta-0.index".into()), "is there twice");
    for name in ["root.zst.0", "root.groups", "boot.zst"] {
        refused(&changed(|list| list.members[1].name = name.into()), "not where that image's members belong");
    }
    for name in ["deltas.json", "deltas.sig", "left-out", "manifest.json"] {
        refused(&changed(|list| list.members[1].name = name.into()), "is there twice");
    }
    refused(&changed(|list| list.members[1].name = "../x".into()), "is no name for a member");
    refused(
        &changed(|list| list.deltas = (0..=MAX_DELTAS).map(|_| delta(1, 0)).collect()),
        "1025 of them, up to 1024 are allowed",
    );
    let many = |list: &mut Supplement| {
        list.members = (0..=MAX_FURTHER).map(|number| member(&format!("s{number}"), b"")).collect();
    };
    refused(&changed(many), "up to 4096 are allowed");
    // What the manifest has counts.
    let own = sample().with_further(&[("root.delta-0.index", noise(80, 5))]).signed(&[&KEY]);
    refused(&with_list(own.clone(), &list(&own).to_bytes(), &[&KEY]), "is there twice");
}

#[test]
fn a_list_that_is_no_sound_json_or_too_long_is_refused() {
    let text = String::from_utf8(list(&release()).to_bytes()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        with_list(release(), text.replacen(from, to, 1).as_bytes(), &[&KEY])
    };
    open(&with(r#""members""#, r#""later":{"x":null},"members""#)).unwrap();
    refused(&with("deltas/1", "deltas/2"), "another format, or a newer one");
    refused(&with(r#""members""#, r#""manifest":"","members""#), "duplicate key \"manifest\"");
    refused(&with(r#""image":"root""#, r#""image":"root","im\u0061ge":"boot""#), "duplicate key \"image\"");
    refused(
        &with(r#""manifest""#, r#""mannifest""#),
        "reading the list of later deltas: structure: missing field",
    );
    refused(&with(r#""deltas":["#, r#""deltas":[7,"#), "structure: ");
    refused(&with(r#""members""#, r#"members"#), "reading the list of later deltas: not JSON");
    let long = format!("{text}{}", " ".repeat((1 << 20) + 1 - text.len()));
    refused(
        &with_list(release(), long.as_bytes(), &[&KEY]),
        "1048577 bytes is too large, the limit is 1048576",
    );
    open(&with_list(release(), &long.as_bytes()[..1 << 20], &[&KEY])).unwrap();
}

#[test]
fn what_tells_files_apart_tells_files_with_other_lists_apart() {
    let outline = |parts: &Parts| Bundle::outline(parts.bytes(), &trust(&[&KEY], 1)).unwrap();
    let digest = |parts: &Parts| outline(parts).file;
    let other = changed(|list| list.deltas[0].base.root_hash = Digest([2; 32]));
    assert_eq!(other.bytes().len(), good().bytes().len());
    assert!(digest(&other) != digest(&good()) && digest(&good()) != digest(&release()));
    // The release is the same.
    let manifest = sha256(release().manifest().as_bytes());
    assert!([release(), good(), other].iter().all(|parts| outline(parts).manifest == manifest));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever bit of the list or its signatures flips, a device refuses the file.
    #[test]
    fn no_flipped_bit_of_a_list_is_accepted(at in any::<prop::sample::Index>(), bit in 0u8..8, which in 0usize..2) {
        let mut parts = good();
        let bytes = parts.get(DOCUMENT[which]);
        let len = if which == 0 { bytes.len() } else { 180 };
        let at = at.index(len);
        bytes[at] ^= 1u8 << bit;
        prop_assert!(open(&parts).is_err());
    }

    /// A list is read as it was written.
    #[test]
    fn a_list_is_read_as_it_was_written(
        manifest in any::<[u8; 32]>(), names in prop::collection::vec("[a-z0-9.-]{1,100}", 0..5),
        deltas in prop::collection::vec((any::<u8>(), 0usize..9), 0..5),
    ) {
        let list = Supplement {
            drydock: Format::V1,
            manifest: Digest(manifest),
            members: names.iter().map(|name| member(name, name.as_bytes())).collect(),
            deltas: deltas.into_iter().map(|(base, number)| delta(base, number)).collect(),
        };
        prop_assert_eq!(Supplement::parse(&list.to_bytes()).unwrap(), list);
    }

    /// Signed by mistake, or on purpose: what is parsed behind the signatures survives anything.
    #[test]
    fn a_damaged_list_is_survived(at in 0usize..600, cut in 0usize..20, put in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = list(&release()).to_bytes();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put);
        let _ = open(&with_list(release(), &bytes, &[&KEY]));
    }
}
