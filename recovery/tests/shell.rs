//! The binary as a person at a shell meets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn whoever_is_not_root_is_told_so_and_not_that_the_disk_is_missing() {
    // Where anybody may run it.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let drydock = folder.path().join("drydock");
    std::fs::copy(env!("CARGO_BIN_EXE_drydock"), &drydock).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&drydock)
            .args(arguments);
        command.output().unwrap()
    };
    let refused = run(&["status"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("run drydock as root"), "{refused:?}");
    // Help is for everybody.
    assert!(run(&["--help"]).status.success());
}

#[test]
fn a_binary_without_a_feature_says_so_and_no_other_does() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_drydock")).unwrap();
    let says = |text: &str| binary.windows(text.len()).any(|window| window == text.as_bytes());
    assert_eq!(says(drydock_config::WITHOUT_NETWORK), cfg!(not(feature = "network")));
    assert_eq!(says(drydock_config::WITHOUT_FLEET), cfg!(not(feature = "fleet")));
    assert_eq!(says(drydock_config::WITHOUT_SERVICE), cfg!(not(feature = "service")));
    assert_eq!(says(drydock_config::WITHOUT_LAN), cfg!(not(feature = "lan")));
    assert_eq!(says(drydock_config::WITHOUT_FILES), cfg!(not(feature = "files")));
    assert_eq!(says(drydock_config::WITHOUT_HOOKS), cfg!(not(feature = "hooks")));
}
