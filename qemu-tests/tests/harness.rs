//! The harness keeps its promises: limits, logs, and guests that are gone when they should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu_tests::{Disk, Exit, Qemu, QemuError, Serial, boot_sector};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

fn disk(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), boot_sector(text)).unwrap();
    file.as_file().set_len(1 << 20).unwrap();
    file
}

fn qemu(name: &str, disk: &NamedTempFile) -> Qemu {
    Qemu::new(name).memory(64).cpus(1).disk(Disk::file(disk.path()).serial("main").addr("04.0"))
}

/// Whether a QEMU runs with this disk.
fn runs_on(disk: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let path = disk.to_str().unwrap();
    let mut lines = processes.flat_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")));
    lines.any(|line| line.starts_with("qemu-system") && line.contains(path))
}

#[test]
fn a_guest_speaks_and_ends() {
    let disk = disk("one two\nthree\n");
    let mut guest = qemu("speaks", &disk).debug_exit().start().unwrap();
    assert_eq!(guest.expect_any(&["nothing", "two"], Duration::from_secs(20)).unwrap().0, 1);
    assert_eq!(guest.expect_line("thr", Duration::from_secs(5)).unwrap(), "three");
    assert_eq!(guest.wait_exit(Duration::from_secs(5)).unwrap(), Exit::Other(Some(0x21)));
    let ended = guest.expect("four", Duration::from_secs(5)).unwrap_err();
    assert!(matches!(ended, QemuError::Ended { .. }), "{ended}");
}

#[test]
fn a_silent_guest_runs_into_the_limit_and_leaves_its_log() {
    let disk = disk("hello\n");
    let mut guest = qemu("silent", &disk).start().unwrap();
    guest.expect("hello", Duration::from_secs(20)).unwrap();
    let log = guest.log_path().to_owned();
    let error = guest.expect("never", Duration::from_millis(300)).unwrap_err().to_string();
    assert!(error.contains("never") && error.contains("hello") && error.contains("HLT="), "{error}");
    drop(guest);
    assert!(std::fs::read_to_string(&log).unwrap().contains("hello"));
    std::fs::remove_file(log).unwrap();
}

#[test]
fn a_power_cut_and_a_drop_leave_no_process_behind() {
    let disk = disk("running\n");
    let runs = || runs_on(disk.path());
    let mut guest = qemu("cut", &disk).start().unwrap();
    guest.expect("running", Duration::from_secs(20)).unwrap();
    let log = guest.log_path().to_owned();
    assert!(runs());
    guest.power_cut();
    assert!(!runs());
    drop(guest);
    assert!(!log.exists(), "nothing failed, so the log goes");

    let mut guest = qemu("dropped", &disk).start().unwrap();
    guest.expect("running", Duration::from_secs(20)).unwrap();
    drop(guest);
    assert!(!runs());
}

#[test]
fn a_throttled_reader_takes_its_time() {
    let disk = disk(&"0123456789".repeat(40));
    let mut guest = qemu("slow", &disk).debug_exit().serial(Serial::Throttled(1200)).start().unwrap();
    guest.expect("0", Duration::from_secs(20)).unwrap();
    let start = Instant::now();
    guest.expect("9012345678", Duration::from_secs(20)).unwrap();
    for _ in 0..36 {
        guest.expect("9", Duration::from_secs(20)).unwrap();
    }
    assert!(start.elapsed() > Duration::from_secs(2), "400 bytes at 120 a second took {:?}", start.elapsed());
}

#[test]
fn the_monitor_answers_and_a_guest_without_a_serial_port_ends() {
    let disk = disk("unheard\n");
    let guest = qemu("monitor", &disk).start().unwrap();
    let status = guest.monitor("query-status", serde_json::json!({})).unwrap();
    assert_eq!(status["status"], "running");
    assert!(guest.monitor("no-such-command", serde_json::json!({})).is_err());
    drop(guest);
    let mut guest = qemu("portless", &disk).debug_exit().serial(Serial::Absent).start().unwrap();
    assert_eq!(guest.wait_exit(Duration::from_secs(20)).unwrap(), Exit::Other(Some(0x21)));
}

#[test]
fn a_guest_that_has_ended_is_in_no_other_guests_way() {
    let disk = disk("alone\n");
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut ended = Vec::new();
    for _ in 0..=cores {
        let mut guest = qemu("ended", &disk).debug_exit().start().unwrap();
        guest.wait_exit(Duration::from_secs(20)).unwrap();
        ended.push(guest);
    }
}

const ORPHAN: &str = "DRYDOCK_TEST_ORPHANS_DISK";

#[test]
#[ignore = "the other half of the next test"]
fn wait_with_a_guest_to_be_killed() {
    let disk = std::env::var(ORPHAN).unwrap();
    let _guest = Qemu::new("orphan").memory(64).disk(Disk::file(disk)).start().unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_guest_does_not_outlive_a_test_that_is_killed() {
    let disk = disk("alone\n");
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "wait_with_a_guest_to_be_killed", "--ignored"])
        .env(ORPHAN, disk.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let wait_until = |running: bool, seconds: u64| {
        let start = Instant::now();
        while runs_on(disk.path()) != running && start.elapsed() < Duration::from_secs(seconds) {
            std::thread::sleep(Duration::from_millis(50));
        }
        runs_on(disk.path()) == running
    };
    let started = wait_until(true, 50);
    std::thread::sleep(Duration::from_secs(1));
    test.kill().unwrap();
    test.wait().unwrap();
    assert!(started && wait_until(false, 5));
}
