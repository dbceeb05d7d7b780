//! What happens in the field, on the small system: the power fails, consoles are slow or missing, a clone of the disk
//! turns up, keys are wrong, partitions are gone. Each case ends in a system that runs.

use crate::device::{Device, LIMIT, Partition, boot, config, machine, reason, runs, settle};
use drydock_qemu_tests::{Disk, Exit, Serial, SmallSystem, run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn power_cut_at_ten_moments_of_the_apply_ends_in_the_new_system_each_time() {
    let staged = Device::staged("cuts", SmallSystem::standard().unwrap());
    // What the recovery says last before the power goes, and how much later it goes.
    let moments = [
        ("discover", 0),
        ("verify  signatures", 0),
        ("for this device: done", 0),
        ("write  boot-b", 300),
        ("write  root-b (", 100),
        ("write  root-b (", 700),
        ("write  root-b: done", 0),
        ("prove  root-b by", 200),
        ("commit  set b", 0),
        ("commit  trailers, state", 0),
    ];
    let one = |(nth, (said, later)): (usize, &(&str, u64))| {
        let name = format!("cut-{nth}");
        let disk = staged.copy(&name);
        let mut guest = boot(&name, &disk);
        guest.expect(said, LIMIT).unwrap();
        std::thread::sleep(Duration::from_millis(*later));
        guest.power_cut();
        drop(guest);
        let status = settle(&name, &disk);
        assert_eq!(runs(&status), ("b", "2.0.0"), "cut at `{said}` and {later} ms");
        assert_eq!(status["sets"]["b"]["status"], "good");
        std::fs::remove_file(disk).unwrap();
    };
    // Two at a time, as many as the machine's cores can carry.
    let cases: Vec<_> = moments.iter().enumerate().collect();
    std::thread::scope(|scope| {
        for half in cases.chunks(5) {
            scope.spawn(|| half.iter().copied().for_each(one));
        }
    });
}

#[test]
fn neither_a_slow_console_nor_a_missing_one_holds_the_update_up() {
    let staged = Device::staged("consoles", SmallSystem::standard().unwrap());
    for (name, serial) in [("slow", Serial::Throttled(9600)), ("absent", Serial::Absent)] {
        let disk = staged.copy(name);
        let mut guest = machine(name, &disk).serial(serial).start().unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset, "{name}");
        assert_eq!(runs(&settle(name, &disk)), ("b", "2.0.0"), "{name}");
    }
}

#[test]
fn a_clone_of_the_disk_is_refused_and_forgotten_once_it_is_gone() {
    let staged = Device::staged("clone", SmallSystem::standard().unwrap());
    let clone = staged.copy("clone.img");
    let before = std::fs::read(&clone).unwrap();
    let mut guest = staged.machine(None).disk(Disk::file(&clone)).start().unwrap();
    guest.expect("hand over  FAILED", LIMIT).unwrap();
    let reason = guest.expect_line("vdb", LIMIT).unwrap();
    assert!(reason.contains("vda"), "{reason}");
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert!(std::fs::read(&clone).unwrap() == before, "the clone was written to");
    assert_eq!(runs(&settle("clone", &staged.disk())), ("b", "2.0.0"));
}

#[test]
fn a_wrong_key_and_a_missing_data_partition_leave_the_old_system_with_the_reason() {
    let config = config(&[("provision = true", "provision = true\non_failure = \"temporary\"")]);
    let staged = Device::staged("keys", SmallSystem::with_config("temporary", &config).unwrap());
    let wrong_key = staged.copy("wrong-key.img");
    change_key(&wrong_key, &staged);
    let no_data = staged.copy("no-data.img");
    let renamed = Command::new("sgdisk").args(["-c", "11:elsewhere"]).arg(&no_data).output().unwrap();
    assert!(renamed.status.success(), "{renamed:?}");
    for (name, disk, words) in
        [("wrong-key", wrong_key, "does not fit"), ("no-data", no_data, "no partition `data`")]
    {
        let status = settle(name, &disk);
        assert_eq!(runs(&status), ("a", "1.0.0"), "{name}");
        assert_eq!(status["running"]["degraded"], true, "{name}");
        assert!(reason(&status).contains(words), "{name}: {}", reason(&status));
    }
}

/// Gives the data volume another key with Debian's own tool.
fn change_key(disk: &Path, device: &Device) {
    let (old, new) = (device.path("old"), device.path("new"));
    std::fs::write(&old, [0x5a; 32]).unwrap();
    std::fs::write(&new, [0x77; 32]).unwrap();
    Partition::find(disk, "data").change(|part| {
        let mut change = Command::new("cryptsetup");
        change.args([
            "luksChangeKey",
            "--batch-mode",
            "--pbkdf",
            "pbkdf2",
            "--pbkdf-force-iterations",
            "1000",
        ]);
        run(change.arg("--key-file").args([&old, part, &new])).unwrap();
    });
}

#[test]
fn without_a_boot_environment_the_last_good_set_still_starts() {
    let device = Device::flashed("no-bootenv", SmallSystem::standard().unwrap());
    let environment = Partition::find(&device.disk(), "bootenv");
    environment.write(&vec![0; environment.len]);
    let mut guest = device.start(None);
    guest.expect("starting set a from here", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-UP", LIMIT).unwrap();
}
