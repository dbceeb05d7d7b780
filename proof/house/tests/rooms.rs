//! Every crate keeps to its room: what it may use, what must not be in it, no circles between its files; and no file is
//! longer than one reads in a sitting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_house::{repository, rooms};
use std::fs;
use std::path::Path;

#[test]
fn every_crate_keeps_to_its_room() {
    let root = repository();
    let rules = fs::read_to_string(root.join("proof/house/rooms.toml")).unwrap();
    let found = rooms::check(&root, &rules).unwrap();
    for told in &found.told {
        println!("{told}");
    }
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
}

#[test]
fn no_file_is_longer_than_one_reads_in_a_sitting() {
    let root = repository();
    assert_eq!(rooms::too_long(&root, 400).unwrap(), Vec::<String>::new());
    assert!(!rooms::too_long(&root, 300).unwrap().is_empty(), "files are not looked at");
}

/// What is wrong with a workspace of two crates that keep to their rules, but for what these files replace.
fn made_up(files: &[(&str, &str)]) -> Vec<String> {
    with_rules(files, "").broken
}

/// The same with one more rule for the first crate.
fn with_rules(files: &[(&str, &str)], more: &str) -> rooms::Found {
    let folder = tempfile::tempdir().unwrap();
    let write = |(path, text): &(&str, &str)| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let usual = [
        ("Cargo.toml", "[workspace]\nmembers = [\"lib/low\", \"high\"]"),
        (
            "lib/low/Cargo.toml",
            "[package]\nname = \"drydock-low\"\n[dev-dependencies]\nnix = \"1\"\ndrydock-high = \"1\"",
        ),
        ("lib/low/src/lib.rs", "mod part;\npub use part::Part;\n#[cfg(test)]\nmod tests;\n"),
        ("lib/low/src/part.rs", "pub struct Part; // std::fs\n"),
        ("lib/low/src/tests.rs", "use std::fs;\n"),
        (
            "high/Cargo.toml",
            "[package]\nname = \"drydock-high\"\n[dependencies]\ndrydock-low = \"1\"\nnix = \"1\"",
        ),
        ("high/src/lib.rs", "use std::fs;\n"),
    ];
    usual.iter().chain(files).for_each(write);
    let rules = format!(
        "[lists]\nsystem = [\"nix\", \"std::fs\", \"unsafe\"]\n[[room]]\nfolder = \"lib/low\"\nforbids = \"system\"\n{more}\n[[room]]\nfolder = \"high\"\nuses = [\"low\"]\n"
    );
    rooms::check(Path::new(folder.path()), &rules).unwrap()
}

#[test]
fn a_house_in_order_has_nothing_to_tell() {
    assert_eq!(made_up(&[]), Vec::<String>::new());
}

#[test]
fn each_breach_is_told() {
    let package = "[package]\nname = \"drydock-low\"\n";
    let manifest = |more: &str| format!("{package}{more}");
    for (file, text, told) in [
        ("lib/low/src/part.rs", "use std::{fs, io};", "lib/low, part: must not use std::fs"),
        (
            "lib/low/src/lib.rs",
            "mod part; #[cfg(test)] mod tests; fn f() { unsafe { g() } }",
            "lib/low, the root: must not use unsafe",
        ),
        ("lib/low/src/part.rs", "use nix::libc;", "lib/low, part: must not use nix"),
        ("lib/low/Cargo.toml", &manifest("[dependencies]\nnix = \"1\""), "lib/low must not use nix"),
        (
            "lib/low/Cargo.toml",
            &manifest("[target.'cfg(unix)'.dependencies]\nnix = \"1\""),
            "lib/low must not use nix",
        ),
        (
            "lib/low/Cargo.toml",
            &manifest("[dependencies]\ndrydock-high.workspace = true"),
            "lib/low must not use drydock-high",
        ),
        ("lib/low/Cargo.toml", "[package]\nname = \"low\"", "lib/low is called low and not drydock-low"),
        (
            "lib/low/src/part.rs",
            "pub struct Part; fn f() { super::helper() }",
            "lib/low goes in a circle: the root -> part -> the root",
        ),
        ("Cargo.toml", "[workspace]\nmembers = [\"lib/low\", \"high\", \"new\"]", "new has no rules"),
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"lib/low\"]",
            "high has rules and is no crate of the workspace",
        ),
    ] {
        let root = ("lib/low/src/lib.rs", "mod part; use part::Part; fn helper() {} #[cfg(test)] mod tests;");
        let files: &[_] = if told.contains("circle") { &[root, (file, text)] } else { &[(file, text)] };
        assert_eq!(made_up(files), [told], "{file}: {text}");
    }
}

#[test]
fn a_circle_that_is_known_is_told_and_a_second_one_is_a_breach() {
    let root = "mod part; mod other; use part::Part; fn helper() {} #[cfg(test)] mod tests;";
    let part = "pub struct Part; fn f() { super::helper() }";
    let one = [("lib/low/src/lib.rs", root), ("lib/low/src/part.rs", part), ("lib/low/src/other.rs", "")];
    let found = with_rules(&one, "circles = 1");
    assert_eq!((found.broken.len(), found.told.len()), (0, 1), "{found:?}");
    let more = [
        ("lib/low/src/other.rs", "mod x; fn f() { x::g() }"),
        ("lib/low/src/other/x.rs", "use super::f; fn g() {}"),
    ];
    let found = with_rules(&[&one[..], &more].concat(), "circles = 1");
    assert_eq!((found.broken.len(), found.told.len()), (2, 0), "{found:?}");
}
