//! What is wrong with `[service]` is said at its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Access, Config, Seconds, View};
use drydock_config_load::load;

/// The key of RFC 8032's first test.
const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

/// What is said of a configuration that has these lines; the file `anna.pub` is there.
fn read(lines: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.pem"), "PEM").unwrap();
    std::fs::write(folder.path().join("anna.pub"), LINE).unwrap();
    std::fs::write(folder.path().join("large"), [b'x'; 17 << 10]).unwrap();
    let text = format!(
        "compatible = \"x\"\nsignatures.keys = [\"key.pem\"]\nlayout.bootloader = \"none\"\n[[slot]]\nclass = \"root\"\nrole = \"root\"\n{lines}\n"
    );
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    load(&path).map_err(|error| error.to_string())
}

fn key(more: &str) -> String {
    format!("[[service.key]]\nname = \"anna\"\nkey = \"{LINE} anna@acme\"\n{more}")
}

#[test]
fn service_loads_and_survives_json() {
    let lines = format!(
        "[data]\nencrypted = false\n[service]\nview = \"keys\"\nidle_seconds = 300\nname_file = \"lib/acme/serial\"\n{}\n[[service.key]]\nname = \"ben\"\nkey = \"anna.pub\"",
        key("verbs = [\"install\", \"roll-back\"]\nuntil = \"2027-06-30\"\nuses = 20")
    );
    let config = read(&lines).unwrap();
    let service = config.service.as_ref().unwrap();
    assert_eq!(
        (service.access, service.view, service.idle_seconds),
        (Access::Keys, View::Keys, Seconds(300))
    );
    assert!(service.keys[1].key.ends_with("/anna.pub"), "a path is made whole");
    assert_eq!(Config::from_json(&config.to_json().unwrap()).unwrap().service, config.service);
    assert!(read("").unwrap().service.is_none());
}

#[test]
fn without_keys_access_must_be_said_to_be_open() {
    assert!(read("[service]").unwrap_err().contains("or say `access = \"open\"`"));
    assert!(read("[service]\naccess = \"keys\"").unwrap_err().contains("or say `access = \"open\"`"));
    assert_eq!(read("[service]\naccess = \"open\"").unwrap().service.unwrap().access, Access::Open);
    let both = format!("[service]\naccess = \"open\"\n{}", key(""));
    assert!(read(&both).unwrap_err().contains("the keys would mean nothing"));
}

#[test]
fn what_is_wrong_is_said() {
    for (lines, why) in [
        (key("verbs = []"), "for nothing"),
        (key("verbs = [\"instal\"]"), "there is no such verb; known are view, logs, install"),
        (key("until = \"2027-02-29\""), "must be a day"),
        (key("until = 2027-02-28"), "invalid type"),
        (key("uses = 0"), "0 is out of range: 1 to 1000000"),
        (key("colour = 1"), "unknown field"),
        (format!("{}\n{}", key(""), key("")), "another key has this name"),
        (key("").replace("\"anna\"", "\"anna b\""), "must be 1 to 64 characters"),
        (key("").replace("AAAAC3", "AAAAC4"), "ssh-ed25519"),
        (key("").replace("ssh-ed25519 ", "ssh-rsa "), "RSA"),
        (key("").replace("ssh-ed25519 ", "sk-ssh-ed25519@openssh.com "), "token"),
        (key("").replace(&format!("{LINE} anna@acme"), "ben.pub"), "ben.pub: No such file"),
        (key("").replace(&format!("{LINE} anna@acme"), "large"), "larger than such a file may be"),
        (format!("[service]\nidle_seconds = 4\n{}", key("")), "4 is out of range: 5 to 86400"),
        (format!("[service]\nname_file = \"x\"\n{}", key("")), "there is no [data]"),
        (format!("[service]\nname_file = \"../x\"\n{}", key("")), "must be the path of a file"),
        (format!("[service]\nview = \"none\"\n{}", key("")), "unknown variant"),
    ] {
        let said = read(&lines).unwrap_err();
        assert!(said.contains(why), "{lines}: {said}");
    }
}

#[test]
fn there_is_a_limit_to_the_keys() {
    let many = |count: usize| {
        (0..count).map(|n| key("").replace("\"anna\"", &format!("\"n{n}\"")) + "\n").collect::<String>()
    };
    read(&many(32)).unwrap();
    assert!(read(&many(33)).unwrap_err().contains("at most 32 keys"));
}
