//! What `bootloader-scripts/u-boot/README.md` has people type is what drydock believes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_state::u_boot::Environment;
use drydock_state::{CopyName, Mode, SetName, Starts};
use std::process::Command;

#[test]
fn the_environment_that_is_made_by_hand_is_whole_and_starts_set_a() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bootloader-scripts/u-boot/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let script = readme.split("{ cat u-boot-initial-env").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("u-boot-initial-env"), "bootcmd=run x\nodd=a b\n").unwrap();
    let script = format!("{{ cat u-boot-initial-env{script}");
    assert!(Command::new("sh").args(["-ec", &script]).current_dir(&folder).status().unwrap().success());
    let made =
        Environment::decode(&std::fs::read(folder.path().join("environment.bin")).unwrap(), true).unwrap();
    assert_eq!((made.get("bootcmd"), made.get("odd")), (Some("run x"), Some("a b")));
    let told = made.observed().unwrap();
    assert_eq!((told.first, told.mode, told.copy), (SetName::A, Mode::Normal, CopyName::A));
    assert_eq!(told.left, Starts { a: 3, b: 0, recovery: 3 });
}
