//! Deltas that are made once their release was signed: what the tool makes of them. What is run is the text of
//! `docs/deltas.md` itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::workbench::{Workbench, documented};
use drydock_bundle::create::Known;
use drydock_fixtures::{Parts, noise};
use drydock_format::{Bundle, DELTAS, DELTAS_SIGNATURES, Digest, LEFT_OUT, Supplement};
use serde_json::Value;
use std::fs;

/// A folder with a release that was signed without deltas.
fn bench() -> Workbench {
    let bench = Workbench::new();
    bench.bundle("new", &[]);
    bench
}

/// Runs a script that must succeed, and returns what it printed.
fn run(bench: &Workbench, script: &str) -> String {
    let output = bench.run(script);
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a script that must end with this code, and say these words.
fn refused(bench: &Workbench, script: &str, code: i32, words: &str) {
    let output = bench.run(script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{script}\n{said}");
    assert!(said.contains(words), "`{words}` is not in: {said}");
}

fn bytes(bench: &Workbench, name: &str) -> Vec<u8> {
    fs::read(bench.path(name)).unwrap()
}

fn open(bench: &Workbench, name: &str) -> Bundle {
    Bundle::open(bytes(bench, name), &bench.trusted()).unwrap()
}

#[test]
fn the_commands_of_the_document_add_deltas_to_a_release_that_stays_what_it_was() {
    let bench = bench();
    let said = run(&bench, &documented("later"));
    let hash = open(&bench, "old.drydock").manifest().images[0].root_hash;
    assert!(said.contains(&format!("bytes for devices that have {hash} (made later)\n")), "{said}");
    assert!(said.contains("left out    root.zst\n") && said.contains("deltas by   "), "{said}");
    assert!(said.contains("left out    root: only its deltas are here"), "{said}");
    let (release, later) = (open(&bench, "new.drydock"), open(&bench, "later.drydock"));
    assert_eq!(later.manifest_bytes(), release.manifest_bytes());
    assert_eq!(later.signature_bytes(), release.signature_bytes());
    assert_eq!(later.manifest_digest(), release.manifest_digest());
    assert!(release.manifest().deltas.is_empty());
    let delta = later.manifest().delta("root", &hash).unwrap();
    later.read_further(&delta.index, 1 << 20).unwrap();
    let error = later.image("root").unwrap().read_frame(0, &mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains(&format!("deltas for devices with the root hash {hash}; take the whole")),
        "{error}"
    );
    let len = |name: &str| bytes(&bench, name).len();
    assert!(len("later.drydock") < 30_000 && len("new.drydock") > 600_000, "{}", len("later.drydock"));
    // A second implementation comes to the same.
    let said = run(&bench, &documented("later-by-hand"));
    assert_eq!(said.matches("Signature Verified Successfully").count(), 2, "{said}");
}

#[test]
fn a_list_that_is_signed_elsewhere_is_the_same_file() {
    let bench = bench();
    run(&bench, &documented("later"));
    run(&bench, &documented("later-hsm"));
    assert!(bytes(&bench, "unsigned.drydock") == bytes(&bench, "later.drydock"));
    run(
        &bench,
        "drydock-bundle delta $RELEASE --base $OLD -o other.drydock
        drydock-bundle info other.drydock | grep -q 'later deltas are not signed'
        drydock-bundle sign other.drydock --deltas --key $KEY",
    );
    assert!(bytes(&bench, "other.drydock") == bytes(&bench, "later.drydock"));
    refused(&bench, "drydock-bundle sign $RELEASE --deltas --key $KEY", 1, "no deltas that were made later");
    // The signature of the one document is none of the other.
    let wrong = "drydock-bundle sign later.drydock --attach signature --pubkey $PUBKEY";
    refused(&bench, wrong, 4, "is wrong for this manifest");
}

#[test]
fn the_same_release_and_bases_give_the_same_bytes_on_any_number_of_threads() {
    let bench = bench();
    let make = |threads: usize| {
        run(
            &bench,
            &format!("drydock-bundle delta $RELEASE --base $OLD --key $KEY --threads {threads} -o x.drydock"),
        );
        bytes(&bench, "x.drydock")
    };
    let first = make(1);
    assert!(make(1) == first && make(3) == first);
}

#[test]
fn a_whole_file_leaves_nothing_out_and_slims_down_to_the_other_one() {
    let bench = bench();
    run(&bench, &documented("later"));
    run(
        &bench,
        "drydock-bundle delta $RELEASE --base $OLD --key $KEY --whole -o whole.drydock
        drydock-bundle verify whole.drydock --key $PUBKEY | grep -q 'every image is whole'
        drydock-bundle slim whole.drydock --from $OLD -o slim.drydock",
    );
    let whole = Parts::of(&bytes(&bench, "whole.drydock"));
    assert!(whole.members.iter().all(|(name, _)| name != LEFT_OUT));
    assert!(open(&bench, "whole.drydock").image("root").unwrap().has_frames());
    assert!(bytes(&bench, "slim.drydock") == bytes(&bench, "later.drydock"));
}

#[test]
fn a_file_with_deltas_from_several_bases_slims_down_to_one_and_its_list_stays() {
    let bench = bench();
    let mut other = bytes(&bench, "old.img");
    other[50_000..50_010].fill(1);
    fs::write(bench.path("other.img"), other).unwrap();
    run(
        &bench,
        "drydock-bundle delta $RELEASE --base $OLD --base other.img --key $KEY -o both.drydock
        drydock-bundle slim both.drydock --from other.img -o one.drydock
        drydock-bundle verify one.drydock --key $PUBKEY
        drydock-bundle --json info one.drydock > info.json",
    );
    let (both, one) = (open(&bench, "both.drydock"), open(&bench, "one.drydock"));
    assert_eq!(both.supplement().unwrap().bytes, one.supplement().unwrap().bytes);
    let here = |bundle: &Bundle| {
        bundle.manifest().deltas.iter().map(|delta| bundle.has(&delta.data)).collect::<Vec<_>>()
    };
    assert_eq!((here(&both), here(&one)), (vec![true, true], vec![false, true]));
    let info: Value = serde_json::from_slice(&bytes(&bench, "info.json")).unwrap();
    let shown = info["deltas"].as_array().unwrap();
    let shown: Vec<_> = shown.iter().map(|delta| (&delta["here"], &delta["later"])).collect();
    assert_eq!(shown, [(&Value::from(false), &Value::from(true)), (&Value::from(true), &Value::from(true))]);
    assert_eq!(info["manifest"].get("deltas"), None);
    assert_eq!(info["deltas_signed_by"].as_array().unwrap().len(), 1);
    // What was cut down already has nothing for the other base any more.
    refused(&bench, "drydock-bundle slim one.drydock --from $OLD -o none.drydock", 1, "no delta from any of");
}

#[test]
fn deltas_that_the_release_has_are_not_made_again() {
    let bench = bench();
    let mut other = bytes(&bench, "old.img");
    other[50_000..50_010].fill(1);
    fs::write(bench.path("other.img"), other).unwrap();
    bench.bundle("new", &[Known { image: None, path: bench.path("old.drydock") }]);
    refused(
        &bench,
        "drydock-bundle delta $RELEASE --base $OLD --key $KEY -o x.drydock",
        1,
        "the release has deltas from them already",
    );
    run(&bench, "drydock-bundle delta $RELEASE --base $OLD --base other.img --key $KEY -o x.drydock");
    let file = open(&bench, "x.drydock");
    let names: Vec<_> = file.manifest().deltas.iter().map(|delta| delta.data.as_str()).collect();
    assert_eq!(names, ["root.delta-0.data", "root.delta-1.data"]);
    assert!(names.iter().all(|name| file.has(name)) && !file.image("root").unwrap().has_frames());
    // Without that base its delta is left out.
    run(&bench, "drydock-bundle delta $RELEASE --base other.img --key $KEY -o x.drydock");
    let file = open(&bench, "x.drydock");
    assert!(!file.has("root.delta-0.data") && file.has("root.delta-1.data"));
}

#[test]
fn an_image_that_a_base_has_no_delta_to_stays_whole() {
    let bench = bench();
    fs::write(bench.path("stranger.img"), noise(300 * 4096, 9)).unwrap();
    run(&bench, "drydock-bundle delta $RELEASE --base $OLD --base stranger.img --key $KEY -o x.drydock");
    assert!(open(&bench, "x.drydock").image("root").unwrap().has_frames());
    let alone = "drydock-bundle delta $RELEASE --base stranger.img --key $KEY -o y.drydock";
    refused(&bench, alone, 1, "no delta from any of them is smaller than the whole image");
    assert!(!bench.path("y.drydock").exists());

    // One of two images has a delta, the other one none.
    fs::write(bench.path("boot.img"), noise(70_000, 3)).unwrap();
    run(
        &bench,
        "drydock-bundle create --compatible acme-pump --version 3 --image boot=boot.img --image root=$IMAGE \
            --key $KEY -o two.drydock
        drydock-bundle delta two.drydock --base $OLD --key $KEY -o x.drydock
        drydock-bundle verify x.drydock --key $PUBKEY | grep -q 'every other image is whole'",
    );
    let file = open(&bench, "x.drydock");
    assert!(file.image("boot").unwrap().has_frames() && !file.image("root").unwrap().has_frames());
}

#[test]
fn what_is_no_whole_release_gets_no_later_deltas() {
    let bench = bench();
    run(&bench, &documented("later"));
    let again = "drydock-bundle delta later.drydock --base $OLD --key $KEY -o x.drydock";
    refused(
        &bench,
        again,
        1,
        "deltas that were made later; take the release without them, and name all bases",
    );
    bench.bundle("new", &[Known { image: None, path: bench.path("old.drydock") }]);
    run(&bench, "drydock-bundle slim $RELEASE --from $OLD -o slim.drydock");
    let mut other = bytes(&bench, "old.img");
    other[50_000..50_010].fill(1);
    fs::write(bench.path("other.img"), other).unwrap();
    let slim = "drydock-bundle delta slim.drydock --base other.img --key $KEY -o x.drydock";
    refused(&bench, slim, 3, "root.zst was left out of this one");
    // What was left out can't be unpacked, and that is said.
    let extract = "drydock-bundle extract later.drydock --key $PUBKEY";
    refused(&bench, extract, 3, "root.zst was left out of this one");
    // A file without an image and without a delta to it is nothing that may be called good.
    let mut parts = Parts::of(&bytes(&bench, "later.drydock"));
    let list = String::from_utf8(parts.get(LEFT_OUT).clone()).unwrap();
    *parts.get(LEFT_OUT) = format!("{list}root.delta-0.index\nroot.delta-0.data\n").into_bytes();
    parts.members.retain(|(name, _)| !name.starts_with("root.delta-0"));
    fs::write(bench.path("empty.drydock"), parts.bytes()).unwrap();
    refused(&bench, "drydock-bundle verify empty.drydock --key $PUBKEY", 3, "take the whole bundle");
}

#[test]
fn a_damaged_list_or_delta_has_the_exit_code_of_its_fault() {
    let bench = bench();
    run(&bench, &documented("later"));
    let good = Parts::of(&bytes(&bench, "later.drydock"));
    let verify = |parts: &Parts, code, words: &str| {
        fs::write(bench.path("bad.drydock"), parts.bytes()).unwrap();
        refused(&bench, "drydock-bundle verify bad.drydock --key $PUBKEY", code, words);
    };
    let mut parts = good.clone();
    parts.get("root.delta-0.data")[10] ^= 1;
    verify(&parts, 3, "root.delta-0.data: it does not have its signed SHA-256");
    let mut parts = good.clone();
    parts.get(DELTAS_SIGNATURES).fill(b'\n');
    verify(&parts, 4, "checking deltas.json's signatures: there are none");
    let mut parts = good.clone();
    let list = Supplement::parse(parts.get(DELTAS)).unwrap();
    let other = Supplement { manifest: Digest([7; 32]), ..list };
    parts.sign_as([DELTAS, DELTAS_SIGNATURES], &other.to_bytes(), &[&bench.key]);
    verify(&parts, 3, "reading the list of later deltas: manifest: it is 0707");
}
