//! `[lan]` is checked on the build host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Lan, Mib};
use drydock_config_load::load;

/// Loads a configuration with this `[lan]`, and with that in addition.
fn loaded(lan: &str, more: &str) -> Result<Lan, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("k"), "PEM").unwrap();
    let text = format!(
        "compatible = \"x\"\nsignatures.keys = [\"k\"]\nlayout.bootloader = \"none\"\n[[slot]]\nclass = \"root\"\nrole = \"root\"\n{more}\n[lan]\n{lan}\n"
    );
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    load(&path).map(|config| config.lan.unwrap()).map_err(|why| why.to_string())
}

const SERVICE: &str = "[service]\naccess = \"open\"\n";

#[test]
fn a_page_needs_to_know_whom_it_lets_in() {
    assert_eq!(loaded("", SERVICE), Ok(Lan::default()));
    let why = loaded("", "").unwrap_err();
    assert!(why.contains("as `[service]` says, which is missing"), "{why}");
}

#[test]
fn a_page_in_recovery_needs_a_network() {
    let why = loaded("recovery = true", SERVICE).unwrap_err();
    assert!(why.contains("add a [[network.interface]]"), "{why}");
    let with = format!("{SERVICE}[[network.interface]]\n");
    assert!(loaded("recovery = true", &with).unwrap().recovery);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key() {
    let good = "port = 8443\nlisten = [\"192.168.7.2\", \"fd00::2\"]\nnames = [\"pump-7.plant.example\", \"pump-7\"]\nupload_mib = 512";
    let lan = loaded(good, SERVICE).unwrap();
    assert_eq!((lan.port, lan.upload_mib, lan.names.len()), (8443, Mib(512), 2));
    for (bad, why) in [
        ("port = 0", "1 to 65535"),
        ("port = 70000", "70000"),
        ("listen = [\"eth0\"]", "must be an address"),
        ("names = [\"10.0.0.1\"]", "must be a host's name"),
        ("names = [\"a b\"]", "must be a host's name"),
        ("names = [\"-x\"]", "must be a host's name"),
        ("names = [\"x.\"]", "must be a host's name"),
        ("names = [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]", "at most 8 names"),
        ("upload_mib = 2000000", "0 to 1048576"),
        ("certificate = \"x\"", "unknown field"),
    ] {
        let refused = loaded(bad, SERVICE).unwrap_err();
        assert!(refused.contains(why), "{bad}: {refused}");
    }
}
