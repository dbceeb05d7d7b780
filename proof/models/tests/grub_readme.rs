//! What `bootloader-scripts/grub/README.md` has people type is what drydock believes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_state::grub::{decode_env, encode_env};
use drydock_state::{CopyName, Mode, SetName, Starts};
use std::process::Command;

#[test]
fn the_environment_that_is_made_by_hand_is_whole_and_starts_set_a() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bootloader-scripts/grub/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let script = readme.split("```sh\n").find(|block| block.starts_with("{ printf")).unwrap();
    let script = script.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    assert!(Command::new("sh").args(["-ec", script]).current_dir(&folder).status().unwrap().success());
    let made = std::fs::read(folder.path().join("grubenv")).unwrap();
    let told = decode_env(&made).unwrap();
    assert_eq!(made, encode_env(&told.into()));
    assert_eq!((told.first, told.mode, told.copy), (SetName::A, Mode::Normal, CopyName::A));
    assert_eq!(told.left, Starts { a: 3, b: 0, recovery: 3 });
}
