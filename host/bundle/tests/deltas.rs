//! Deltas in bundles. What is run is the text of `docs/deltas.md` itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::workbench::{Workbench, documented};
use drydock_bundle::create::Known;
use drydock_bundle::slim;
use drydock_fixtures::noise;
use drydock_format::{Bundle, LEFT_OUT};
use std::fs;

#[test]
fn the_commands_of_the_document_make_a_delta_and_a_slim_bundle() {
    let bench = Workbench::new();
    let output = bench.run(&documented("delta"));
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
        error.contains(&format!(
            "root.zst was left out of this one, and is needed here: it only has deltas for devices with the root hash {hash}; take the whole bundle"
        )),
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
    bench.run(&documented("delta"));
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
