//! The demo, with one power cut in the middle of the update.

use std::process::Command;

#[test]
fn debian_is_updated_although_the_power_fails_once() {
    let dir = drydock_qemu_tests::target_dir().join("demo-cut");
    let output = Command::new(env!("CARGO_BIN_EXE_demo")).arg("--cut").arg(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("! power cut"), "{said}");
    std::fs::remove_dir_all(dir).unwrap();
}
