//! `docs/reference.md` has every command and option of `drydock`, and no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_house::reference::{Commands, documented, options};
use std::process::Command;

#[test]
fn the_reference_has_every_command_with_its_options() {
    let output = Command::new(env!("CARGO_BIN_EXE_drydock")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let mut commands = Commands::new();
    for line in help.lines().filter_map(|line| line.strip_prefix("  drydock ")) {
        let word = line.split_whitespace().next().unwrap();
        let name = if word.starts_with("--") { "" } else { word };
        commands.entry(name.to_owned()).or_default().extend(options(line));
    }
    // It does not list itself.
    commands.entry(String::new()).or_default().insert("help".into());
    assert!(commands.len() > 10, "{commands:?}");
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md");
    let mut documented = documented(&std::fs::read_to_string(document).unwrap(), "drydock");
    if cfg!(not(feature = "network")) {
        documented.remove("network");
    }
    if cfg!(not(feature = "fleet")) {
        documented.retain(|command, _| !["agent", "confirm", "deny"].contains(&command.as_str()));
    }
    if cfg!(not(feature = "service")) {
        documented.remove("service");
    }
    if cfg!(not(feature = "lan")) {
        documented.remove("serve");
    }
    if cfg!(not(feature = "files")) {
        documented.entry("verify".into()).or_default().remove("trees");
    }
    assert_eq!(documented, commands);
}
