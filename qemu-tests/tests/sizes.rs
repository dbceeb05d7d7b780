//! What the device carries is small.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu::{repository, run};
use std::process::Command;

#[test]
fn the_device_binary_is_static_and_small() {
    run(Command::new(repository().join("tools/build.sh")).arg("--check")).unwrap();
}
