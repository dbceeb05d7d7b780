//! `docs/reference.md` has every command and option of `drydock-fleet`, and no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_house::reference::{documented, helped};
use std::process::Command;

#[test]
fn the_reference_has_every_command_with_its_options() {
    let help = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_drydock-fleet")).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
    assert_eq!(documented(&std::fs::read_to_string(document).unwrap(), "drydock-fleet"), helped(help));
}
