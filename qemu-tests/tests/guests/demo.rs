//! The demo: once with a cut of power in the middle of the update, once read from the server by the recovery.

use drydock_qemu_tests::target_dir;
use std::process::Command;

/// Runs the demo in a folder of its own, and returns what it said.
fn demo(name: &str, options: &[&str]) -> String {
    let dir = target_dir().join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_demo")).args(options).arg(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(dir).unwrap();
    said
}

#[test]
fn debian_fetches_its_update_and_gets_it_although_the_power_fails_once() {
    let said = demo("demo-cut", &["--cut"]);
    assert!(said.contains("! power cut"), "{said}");
}

#[test]
fn debians_recovery_reads_the_update_from_the_server_although_the_cable_is_out_for_a_while() {
    let said = demo("demo-stream", &["--stream", "--unplug"]);
    assert!(said.contains("! the network cable is in again"), "{said}");
}
