//! What `load` accepts, what it refuses, and where it points.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Config, MAX_KEY, Mib, Seconds, Unlock};
use drydock_config_load::{Error, load};
use std::path::PathBuf;

const GOOD: &str = r#"compatible = "acme-pump"

[[slot]]
class = "boot"
role = "boot"

[[slot]]
class = "root"
role = "root"

[signatures]
keys = ["one.pem", "sub/two.pem"]
threshold = 2

[data]
encrypted = true
provision = true

[[unlock]]
kind = "initramfs"
file = "unlock.key"

[[unlock]]
kind = "partition"
label = "keys"
length = 64

[boot]
attempts = 3

[layout]
disk_mib = 1024
recovery_mib = 48
slot_mib = { boot = 48, root = 256 }
cmdline = "console=ttyS0,115200 quiet"
"#;

fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    for file in ["one.pem", "sub/two.pem", "unlock.key"] {
        std::fs::write(folder.path().join(file), "x").unwrap();
    }
    std::fs::write(folder.path().join("empty.key"), "").unwrap();
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// The faults of `GOOD` with `from` replaced by `to`: line and message of each.
fn faults(from: &str, to: &str) -> Vec<(usize, String)> {
    assert!(GOOD.contains(from), "{from}");
    let (_folder, path) = write(&GOOD.replacen(from, to, 1));
    match load(&path) {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.place.map_or(0, |(line, _)| line), fault.message)).collect()
        }
        other => panic!("{from} -> {to}: {other:?}"),
    }
}

#[track_caller]
fn refused(from: &str, to: &str, line: usize, message: &str) {
    let faults = faults(from, to);
    assert_eq!(faults[0].0, line, "{to}: {faults:?}");
    assert!(faults[0].1.contains(message), "{to}: {faults:?}");
}

#[test]
fn a_good_config_loads_and_survives_json() {
    let (folder, path) = write(GOOD);
    let config = load(&path).unwrap();
    assert_eq!(config.signatures.keys[1], folder.path().join("sub/two.pem").to_str().unwrap());
    let Unlock::Initramfs { file } = &config.unlock[0] else { panic!("{:?}", config.unlock) };
    assert_eq!(*file, folder.path().join("unlock.key").to_str().unwrap());
    assert_eq!(config.disk.wait_seconds, Seconds(30));

    let json = config.to_json().unwrap();
    let again = Config::from_json(&json).unwrap();
    assert_eq!(again.to_json().unwrap(), json);
    assert_eq!(again.layout.slot_mib["root"], Mib(256));
    assert!(Config::from_json(b"{").is_err());
}

#[test]
fn the_message_shows_the_place() {
    let (_folder, path) = write(&GOOD.replace("attempts = 3", "attempts = 12"));
    let message = load(&path).unwrap_err().to_string();
    let expected = format!(
        "{}:29:12: 12 is out of range: 1 to 9\n   |\n29 | attempts = 12\n   |            ^^",
        path.display()
    );
    assert_eq!(message, expected);
}

#[test]
fn toml_mistakes_point_at_their_line() {
    refused("threshold = 2", "threshold = ", 13, "");
    refused("threshold = 2", "threshold = \"two\"", 13, "invalid type");
    refused("threshold = 2", "treshold = 2", 13, "unknown field `treshold`");
    refused("role = \"root\"", "role = \"rot\"", 9, "unknown variant `rot`");
    refused("kind = \"partition\"", "kind = \"teapot\"", 24, "unknown variant `teapot`");
    refused("compatible = \"acme-pump\"", "", 1, "missing field `compatible`");
}

#[test]
fn values_are_checked() {
    let long = format!("compatible = \"{}\"", "a".repeat(65));
    refused("compatible = \"acme-pump\"", &long, 1, "1 to 64 characters");
    refused("compatible = \"acme-pump\"", "compatible = \"acme pump\"", 1, "1 to 64 characters");
    let guid = "compatible = \"a\"\ndisk.guid = \"6a0cb3a5-4e5f-4a0f-9d6d-0d2f3b1c7e5\"";
    refused("compatible = \"acme-pump\"", guid, 2, "must be a GUID");
    refused("compatible = \"acme-pump\"", "compatible = \"a\"\ndisk.wait_seconds = 0", 2, "1 to 3600");
    refused("attempts = 3", "attempts = 0", 29, "1 to 9");
    refused("attempts = 3", "init = \"sbin/init\"", 29, "absolute path");
    refused("attempts = 3", "root_filesystem = \"ext4,suid\"", 29, "filesystem's name");
    refused("provision = true", "mount = \"/\"", 17, "absolute path");
    refused("provision = true", "kdf_memory_kib = 8", 17, "32 to 4194304");
    refused("provision = true", "label = \"root-a\"", 17, "another partition");
    refused("provision = true", "label = \"state\"", 17, "another partition");
}

#[test]
fn slots_must_fit_together() {
    refused("class = \"root\"", "class = \"Root\"", 8, "a-z 0-9 -");
    refused("class = \"root\"", "class = \"recovery\"", 8, "belong together");
    refused(
        "role = \"root\"",
        "role = \"root\"\n\n[[slot]]\nclass = \"boot\"\nrole = \"other\"",
        12,
        "clash",
    );
    refused("role = \"boot\"", "role = \"boot\"\nencrypted = true", 6, "can't unlock");
    let all = faults("role = \"root\"", "role = \"other\"");
    assert!(all.iter().any(|(line, message)| *line == 3 && message.contains("exactly one")), "{all:?}");
    assert!(faults("role = \"boot\"", "role = \"other\"")[0].1.contains("role `boot`"));
}

#[test]
fn no_class_takes_the_name_of_a_mapping_of_drydocks_own() {
    let other = |class: &str| format!("role = \"root\"\n\n[[slot]]\nclass = \"{class}\"\nrole = \"other\"");
    for (class, whose) in [
        ("data", "the data volume"),
        ("drydock-volume", "a volume that is made new"),
        ("control", "device-mapper itself"),
        ("prove-root-b", "the slot root-b while it is proven"),
    ] {
        refused("role = \"root\"", &other(class), 12, whose);
    }
    // The root image has the same name whatever its class is called.
    let renamed = format!("class = \"system\"\n{}", other("root"));
    refused("class = \"root\"\nrole = \"root\"", &renamed, 12, "the root image");
    let encrypted = format!("{}\nencrypted = true", other("app"));
    refused(
        "role = \"root\"",
        &encrypted.replace("role = \"root\"", &other("app-b")),
        12,
        "encrypted slot app-b",
    );
    // Nothing else is mapped by its class.
    let slots = &GOOD[GOOD.find("[[slot]]").unwrap()..GOOD.find("[signatures]").unwrap()];
    let renamed =
        slots.replace("\"boot\"\nrole", "\"data\"\nrole").replace("\"root\"\nrole", "\"control\"\nrole");
    let text = GOOD.replace(slots, &renamed).replace("boot = 48, root", "data = 48, control");
    let (_folder, path) = write(&text);
    load(&path).unwrap();
}

#[test]
fn a_partition_that_drydock_writes_to_holds_no_key() {
    for label in ["state", "stash", "root-a", "recovery-b", "factory", "data"] {
        refused("label = \"keys\"", &format!("label = \"{label}\""), 25, "don't stay a key");
    }
    refused("label = \"keys\"\nlength = 64", "label = \"data\"\nfile = \"key\"", 25, "don't stay a key");
    let (_folder, path) =
        write(&GOOD.replace("label = \"keys\"\nlength = 64", "label = \"esp\"\nfile = \"key\""));
    load(&path).unwrap();
}

#[test]
fn keys_and_the_threshold_must_fit() {
    refused("threshold = 2", "threshold = 3", 13, "1 to the number of keys, 2");
    refused("threshold = 2", "threshold = 0", 13, "1 to the number of keys, 2");
    refused("sub/two.pem", "two.pem", 12, "two.pem: No such file");
    refused("sub/two.pem", "sub", 12, "not a file");
    refused("sub/two.pem", "one.pem", 12, "listed already");
    refused("unlock.key", "empty.key", 21, "is empty");
    refused("unlock.key", "missing.key", 21, "No such file");
}

#[test]
fn encryption_needs_a_way_to_unlock() {
    let unlock = &GOOD[GOOD.find("[[unlock]]").unwrap()..GOOD.find("[boot]").unwrap()];
    refused(unlock, "", 16, "no [[unlock]]");
    refused("length = 64", "", 23, "either `file`");
    refused("length = 64", "length = 64\nfile = \"k\"", 23, "either `file`");
    refused("length = 64", "file = \"../k\"", 26, "without `..`");
    refused(
        "kind = \"partition\"\nlabel = \"keys\"\nlength = 64",
        "kind = \"initramfs\"\nfile = \"one.pem\"",
        24,
        "only one key file",
    );
}

#[test]
fn a_key_is_never_longer_than_what_a_device_reads() {
    let (folder, path) = write(GOOD);
    let key = std::fs::File::create(folder.path().join("unlock.key")).unwrap();
    key.set_len(u64::from(MAX_KEY)).unwrap();
    load(&path).unwrap();
    key.set_len(u64::from(MAX_KEY) + 1).unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("unlock.key is larger than such a file may be (8388608 bytes)"), "{error}");
    refused("length = 64", "length = 8388609", 26, "out of range: 1 to 8388608");
}

#[test]
fn the_layout_must_add_up() {
    refused("disk_mib = 1024", "disk_mib = 751", 32, "need 752 MiB");
    refused("disk_mib = 1024", "sector_size = 520", 32, "512 or 4096");
    refused("root = 256", "rot = 256", 34, "no [[slot]] has the class `rot`");
    refused("root = 256", "root = 0", 34, "at least 1 MiB");
    let other = "disk_mib = 1024\narchitecture = \"aarch64\"";
    refused("disk_mib = 1024", other, 31, "no GRUB for BIOS firmware on aarch64");
    let (_folder, path) =
        write(&GOOD.replace("disk_mib = 1024", &format!("{other}\nbootloader = \"grub-efi\"")));
    load(&path).unwrap();
    refused("disk_mib = 1024", "architecture = \"z80\"", 32, "unknown variant `z80`");
    refused("quiet", "roothash=12", 35, "systemd takes it for its own");
    refused("quiet", "-- quiet", 35, "the kernel reads nothing behind it");
    refused("quiet", "drydock.set=a", 35, "themselves");
    refused("quiet", "$cmd", 35, "without quotes");
    let (_folder, path) = write(&GOOD.replace("disk_mib = 1024", "disk_mib = 752"));
    load(&path).unwrap();
}

#[test]
fn all_faults_are_told_at_once() {
    let text = GOOD.replace("attempts = 3", "attempts = 0").replace("threshold = 2", "threshold = 9");
    let (_folder, path) = write(&text);
    let Err(Error::Invalid(faults)) = load(&path) else { panic!() };
    assert_eq!(faults.len(), 2);
    assert!(matches!(load(&path.with_file_name("missing.toml")), Err(Error::Read(..))));
}
