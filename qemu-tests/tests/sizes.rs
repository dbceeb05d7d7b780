//! What the device carries is small.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu_tests::{DebianKernel, SmallSystem, Tools, repository, run};
use std::process::Command;

#[test]
fn the_device_binary_is_static_and_small() {
    run(Command::new(repository().join("tools/build.sh")).arg("--check")).unwrap();
}

#[test]
fn the_device_binary_with_a_network_is_static_and_not_much_larger() {
    run(Command::new(repository().join("tools/build.sh")).args(["--network", "--check"])).unwrap();
}

#[test]
fn the_initramfs_without_modules_is_small() {
    let system = SmallSystem::standard().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("initramfs");
    let kernel = DebianKernel::cloud().unwrap();
    let tools = Tools::build().unwrap();
    let said = run(&mut tools.build_initramfs(&system.config(), kernel.root(), &output)).unwrap();
    let line = said.lines().find(|line| line.ends_with("initramfs without modules")).unwrap();
    let size: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert!((100_000..=900_000).contains(&size), "{said}");
    println!("{said}");
}
