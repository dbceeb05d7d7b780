//! What hangs is reset by the hardware's watchdog (QEMU's i6300esb, with Debian's generic kernel, which has the driver)
//! and is counted, and in the end the old system runs.

use crate::device::{Device, LIMIT, config, reason, runs, status};
use drydock_qemu_tests::{DebianKernel, Disk, Exit, Guest, Script, SmallSystem};
use serde_json::{Value, json};
use std::path::Path;

fn system() -> SmallSystem {
    let config = config(&[
        ("[initramfs]\nmodules = [", "[initramfs]\nmodules = [\"i6300esb\", \"ext4\", "),
        ("recovery_mib = 20", "recovery_mib = 28"),
        ("boot = 20", "boot = 28"),
        (
            "[layout]\n",
            "[recovery]\nstarts = 1\nmedium_wait_seconds = 5\n\n[boot]\nattempts = 2\n\n\
             [watchdog]\nseconds = 20\nhandover = \"keep\"\n\n[layout]\n",
        ),
    ]);
    SmallSystem::with_kernel("watchdog", &config, &DebianKernel::generic().unwrap()).unwrap()
}

/// Starts the old system, which runs in the end, and gives its status.
fn old_system(start: impl Fn() -> Guest) -> Value {
    let mut guest = start();
    if guest.expect_any(&["DRYDOCK-TEST-UP", "resetting the machine"], LIMIT).unwrap().0 == 1 {
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
        guest = start();
        guest.expect("DRYDOCK-TEST-UP", LIMIT).unwrap();
    }
    let status = status(&mut guest);
    assert_eq!(runs(&status), ("a", "1.0.0"));
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
    status
}

/// A stick that delivers what is read first, and then next to nothing: the kernel waits for it without end.
fn hanging_stick(stick: &Path) -> [String; 6] {
    let file = json!({"driver": "file", "filename": stick, "node-name": "file", "read-only": true});
    let slow = json!({
        "driver": "throttle", "file": "file", "throttle-group": "slow", "node-name": "stick", "read-only": true
    });
    let group = "throttle-group,id=slow,x-bps-read=1024,x-bps-read-max=6291456";
    ["-object", group, "-blockdev", &file.to_string(), "-blockdev", &slow.to_string()].map(str::to_owned)
}

#[test]
fn a_hung_recovery_is_reset_and_given_up_and_the_old_system_runs() {
    let staged = Device::staged_on_stick("hung-recovery", system());

    let qemu = staged.machine(None).watchdog();
    let qemu = hanging_stick(&staged.stick()).into_iter().fold(qemu, |qemu, argument| qemu.arg(&argument));
    let mut guest = qemu.disk(Disk::node("stick").read_only()).start().unwrap();
    guest.expect("watchdog i6300ESB", LIMIT).unwrap();
    guest.expect("source  v2.drydock", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Watchdog);

    let status = old_system(|| staged.start(None));
    assert!(reason(&status).contains("started 1 times"), "{}", reason(&status));
}

#[test]
fn a_hung_new_system_is_reset_and_rolled_back() {
    let staged = Device::staged("hung-system", system());
    let hang = Script::default().then("hang");
    let start = |script: Option<&Script>| staged.machine(script).watchdog().start().unwrap();
    assert_eq!(start(None).wait_exit(LIMIT).unwrap(), Exit::Reset, "the recovery installs v2");
    for _ in 0..2 {
        let mut guest = start(Some(&hang));
        guest.expect("DRYDOCK-TEST-UP set=b version=2.0.0", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Watchdog);
    }
    // The old system feeds the watchdog that it was handed.
    let status = old_system(|| start(None));
    assert_eq!(status["sets"]["b"]["status"], "bad");
    let outcomes =
        status["history"].as_array().unwrap().iter().map(|entry| entry["outcome"].as_str().unwrap());
    assert_eq!(outcomes.filter(|outcome| *outcome == "rolled-back").count(), 1);
}
