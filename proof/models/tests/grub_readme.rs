//! What `bootloader-scripts/grub/README.md` has people type is what drydock believes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_state::{BootEnv, Mode, SetName};
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
    let env = BootEnv::decode(&made).unwrap();
    assert_eq!(made, env.encode());
    assert_eq!((env.first, env.mode, env.copy), (SetName::A, Mode::Normal, SetName::A));
    assert_eq!((env.left_a, env.left_b, env.left_recovery), (3, 0, 3));
}
