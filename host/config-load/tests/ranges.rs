//! Every range that `docs/config.md` states is the one that is held to, at both ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config_load::{Error, load};
use std::collections::BTreeMap;
use std::path::Path;

/// The rows of keys that are integers and have a range: least and most.
fn documented() -> BTreeMap<String, (u64, u64)> {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md")).unwrap();
    let mut found = BTreeMap::new();
    for row in document.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let words: Vec<&str> = cells[3].split([' ', '.', ',', ';']).collect();
        let mut ranges = words.windows(3).filter_map(|window| match window {
            [least, "to", most] => Some((least.parse().ok()?, most.parse().ok()?)),
            _ => None,
        });
        if let Some(range) = ranges.next_back().filter(|_| cells[1] == "integer") {
            found.insert(cells[0].trim_end_matches('`').to_owned(), range);
        }
    }
    found
}

/// A config in which `key` has this value, and what it needs beside.
fn with(key: &str, value: u64) -> String {
    let mut text = "compatible = \"x\"\nsignatures.keys = [\"k\"]\nlayout.bootloader = \"none\"\n".to_owned();
    let (table, name) = key.rsplit_once('.').unwrap();
    let unlock = match name {
        "length" => "kind = \"partition\"\nlabel = \"p\"",
        _ => "kind = \"passphrase\"",
    };
    match table {
        "unlock[]" => text += &format!("[[unlock]]\n{unlock}\n{name} = {value}\n"),
        "hook[]" => {
            text +=
                &format!("[[hook]]\nname = \"h\"\nat = \"after-write\"\nfile = \"/x\"\n{name} = {value}\n")
        }
        "gate[]" => {
            let require = "require = { supply = {} }";
            text += &format!("[[gate]]\nname = \"g\"\n{require}\n{name} = {value}\n")
        }
        table if table.starts_with("gate[].require.") => {
            let kind = table.rsplit_once('.').unwrap().1;
            let beside = match (kind, name) {
                ("temperature", _) => "chip = \"c\", at_most_celsius = 60, ",
                ("gpio", _) => "chip = \"c\", high = true, ",
                _ => "",
            };
            text += "data.encrypted = false\n";
            text +=
                &format!("[[gate]]\nname = \"g\"\nrequire = {{ {kind} = {{ {beside}{name} = {value} }} }}\n")
        }
        "network.interface[]" => text += &format!("[[network.interface]]\n{name} = {value}\n"),
        "service" => text += &format!("[service]\naccess = \"open\"\n{name} = {value}\n"),
        "service.key[]" => {
            text += &format!("[[service.key]]\nname = \"n\"\nkey = \"k\"\n{name} = {value}\n");
        }
        "fleet" => {
            text += &format!("data.encrypted = false\nfleet.server = \"http://10.0.0.1\"\n{key} = {value}\n")
        }
        "lan" => text += &format!("service.access = \"open\"\n{key} = {value}\n"),
        "data" => text += &format!("[data]\nencrypted = false\n{name} = {value}\n"),
        _ => text += &format!("{key} = {value}\n"),
    }
    text + "[[slot]]\nclass = \"root\"\nrole = \"root\"\n"
}

fn outcome(folder: &Path, key: &str, value: u64) -> Result<(), String> {
    let path = folder.join("device.toml");
    std::fs::write(&path, with(key, value)).unwrap();
    match load(&path) {
        Ok(_) => Ok(()),
        Err(Error::Invalid(faults)) => Err(faults[0].message.clone()),
        Err(other) => panic!("{key}: {other}"),
    }
}

#[test]
fn what_the_document_says_of_ranges_is_what_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("k"), "PEM").unwrap();
    let ranges = documented();
    assert!(ranges.len() >= 13, "{ranges:?}");
    for (key, (least, most)) in ranges {
        for value in [least, most] {
            assert_eq!(outcome(folder.path(), &key, value), Ok(()), "{key} = {value}");
        }
        for value in [least.checked_sub(1), Some(most + 1)].into_iter().flatten() {
            let said = outcome(folder.path(), &key, value).expect_err(&format!("{key} = {value} is taken"));
            assert!(said.contains(&format!("{value} is out of range: {least} to {most}")), "{key}: {said}");
        }
    }
}
