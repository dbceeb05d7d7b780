//! What a configuration has to say where U-Boot is the bootloader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::Config;
use drydock_config_load::{Error, load};

const SLOTS: &str =
    "[[slot]]\nclass = \"boot\"\nrole = \"boot\"\n[[slot]]\nclass = \"root\"\nrole = \"root\"\n";

fn loaded(lines: &str) -> Result<Config, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.pem"), "PEM").unwrap();
    std::fs::write(folder.path().join("env"), "bootcmd=run x\n").unwrap();
    let text = format!("compatible = \"x\"\nsignatures.keys = [\"key.pem\"]\n{SLOTS}{lines}\n");
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

#[test]
fn where_the_environment_lies_is_two_copies_on_bootenv_by_default() {
    let config = loaded("[layout]\nbootloader = \"u-boot\"\nu_boot_environment = \"env\"").unwrap();
    let place = &config.u_boot;
    assert_eq!(
        (place.partition.as_str(), place.offset, place.second(), place.size),
        ("bootenv", 0, Some(0x1_0000), 0x4000)
    );
    assert!(config.layout.u_boot_environment.ends_with("/env"), "it is found beside the configuration");
    let plain = loaded(
        "[layout]\nbootloader = \"u-boot\"\nu_boot_environment = \"env\"\n[u_boot]\nredundant = false\npartition = \"\"\noffset = 0x80000",
    );
    assert_eq!((plain.as_ref().unwrap().u_boot.second(), plain.unwrap().u_boot.offset), (None, 0x8_0000));
}

#[test]
fn a_place_that_can_be_none_and_a_board_without_an_environment_are_refused() {
    let named = "[layout]\nbootloader = \"u-boot\"\nu_boot_environment = \"env\"\n";
    for (lines, why) in [
        ("[layout]\nbootloader = \"u-boot\"".to_owned(), "u-boot-initial-env"),
        ("[layout]\nbootloader = \"u-boot\"\nu_boot_environment = \"none\"".to_owned(), "none: No such file"),
        (format!("{named}u_boot_disk = \"mmc\""), "an interface and a number"),
        (format!("{named}u_boot_disk = \"mmc 0; reset\""), "an interface and a number"),
        (format!("{named}[u_boot]\nsize = 0"), "must be whole sectors"),
        (format!("{named}[u_boot]\nsize = 1000"), "must be whole sectors"),
        (format!("{named}[u_boot]\nsize = 0x200000\nsecond_offset = 0x400000"), "must be whole sectors"),
        (format!("{named}[u_boot]\noffset = 7"), "must be a multiple of 512"),
        (format!("{named}[u_boot]\nsecond_offset = 512"), "must not lie over the first one"),
        (format!("{named}[u_boot]\npartition = \"a b\""), "characters of"),
    ] {
        let said = loaded(&lines).unwrap_err().to_string();
        assert!(said.contains(why), "{lines}: {said}");
    }
}
