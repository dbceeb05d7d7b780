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
fn the_device_binary_with_the_agent_is_static_and_not_much_larger() {
    run(Command::new(repository().join("tools/build.sh")).args(["--fleet", "--check"])).unwrap();
}

#[test]
fn the_device_binary_with_everything_for_the_field_is_static_and_not_much_larger() {
    run(Command::new(repository().join("tools/build.sh")).args(["--field", "--check"])).unwrap();
}

/// The size of the small system's initramfs without modules, in bytes.
fn initramfs_without_modules(tools: &Tools, compression: &str) -> u64 {
    let system = SmallSystem::standard().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("initramfs");
    let kernel = DebianKernel::cloud().unwrap();
    let mut build = tools.build_initramfs(&system.config(), kernel.root(), &output);
    let said = run(build.args(["--compression", compression])).unwrap();
    println!("{compression}: {said}");
    let line = said.lines().find(|line| line.ends_with("initramfs without modules")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn the_initramfs_without_modules_is_small() {
    let size = initramfs_without_modules(Tools::build().unwrap(), "zstd");
    assert!((100_000..=800_000).contains(&size), "{size}");
}

#[test]
fn the_initramfs_with_a_network_fits_a_small_boot_partition() {
    let size = initramfs_without_modules(Tools::with_network().unwrap(), "xz");
    assert!((100_000..=1_200_000).contains(&size), "{size}");
}
