//! `docs/reference.md` has every command and option of `drydock-initramfs`, and no other.

use drydock_house::reference::{documented, helped};
use std::process::Command;

#[test]
fn the_reference_has_every_command_with_its_options() {
    let help = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_drydock-initramfs")).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md");
    assert_eq!(documented(&std::fs::read_to_string(document).unwrap(), "drydock-initramfs"), helped(help));
}
