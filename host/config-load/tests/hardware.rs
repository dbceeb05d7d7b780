//! Slot classes that only some hardware has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config_load::{Error, load};

const GOOD: &str = r#"compatible = "acme-pump"
hardware = { kind = "dmi" }

[[slot]]
class = "boot-r1"
role = "boot"
partition = "boot"
only_if = ["r1", "r1a"]

[[slot]]
class = "boot-r2"
role = "boot"
partition = "boot"
only_if = ["r2"]

[[slot]]
class = "root"
role = "root"

[signatures]
keys = ["one.pem"]
"#;

fn problem(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one.pem"), "x").unwrap();
    let path = folder.path().join("device.toml");
    std::fs::write(&path, GOOD.replacen(from, to, 1)).unwrap();
    match load(&path) {
        Ok(_) => String::new(),
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; ")
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(from: &str, to: &str, why: &str) {
    let found = problem(from, to);
    assert!(found.contains(why), "{found}");
}

#[test]
fn each_revision_may_have_its_own_class_for_the_same_partitions() {
    assert_eq!(problem("dmi", "device-tree"), "");
    assert_eq!(problem(r#"{ kind = "dmi" }"#, r#"{ kind = "file", path = "/sys/eeprom" }"#), "");
}

#[test]
fn two_classes_never_share_partitions_on_the_same_hardware() {
    refused(r#"["r2"]"#, r#"["r2", "r1a"]"#, "has the partitions boot-a and boot-b already");
    refused(
        r#"["r2"]"#,
        r#"["r2", "r1a"]"#,
        "at most one slot class may have the role `boot`, on hardware `r1a`",
    );
    refused("only_if = [\"r2\"]\n", "", "has the partitions boot-a and boot-b already");
}

#[test]
fn every_revision_has_a_root_and_what_the_bootloader_starts() {
    refused(
        "role = \"root\"\n",
        "role = \"root\"\nonly_if = [\"r2\"]\n",
        "exactly one slot class must have the role `root`, on hardware `r1`",
    );
    refused(
        r#"class = "boot-r2"
role = "boot""#,
        r#"class = "boot-r2"
role = "other""#,
        "for the bootloader to find the kernel in (or set `layout.bootloader` to \"none\"), on hardware `r2`",
    );
}

#[test]
fn a_condition_needs_a_place_where_the_revision_is_read() {
    refused("hardware = { kind = \"dmi\" }\n", "", "no [hardware] says where");
    refused(r#"{ kind = "dmi" }"#, r#"{ kind = "dmi", field = "../x" }"#, "must be a file's name");
    refused(r#"{ kind = "dmi" }"#, r#"{ kind = "file", path = "eeprom" }"#, "must be an absolute path");
    refused(r#""r1a""#, r#"" r1a""#, "no space at its ends");
}
