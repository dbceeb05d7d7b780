//! What happens in the field, on the small system: the power fails, consoles are slow or missing, a clone of the disk
//! turns up, keys are wrong, partitions are gone, a medium stops answering. Each case ends in a system that runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu::{Disk, Exit, Guest, Qemu, Script, Serial, SmallSystem};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);
const CONFIG: &str = include_str!("../src/small.toml");

/// A device with v1 in set a and v2 staged: the next boot is the recovery's.
struct Staged {
    folder: tempfile::TempDir,
    system: SmallSystem,
}

impl Staged {
    fn new(name: &str, system: SmallSystem) -> Self {
        let v2 = system.release("2.0.0", 2).unwrap();
        let script = Script::stage(&v2.bundle).unwrap();
        let staged = Self::with_script(name, system, &script, &[]);
        assert!(staged.disk().exists());
        staged
    }

    /// Boots v1 with the script, which ends in a reset.
    fn with_script(name: &str, system: SmallSystem, script: &Script, more: &[&Path]) -> Self {
        let v1 = system.release("1.0.0", 1).unwrap();
        let staged = Self { folder: tempfile::tempdir().unwrap(), system };
        let path = staged.folder.path().join("script.img");
        script.write(&path).unwrap();
        staged.system.flash(&v1, &staged.disk()).unwrap();
        let mut qemu = machine(name, &staged.disk()).disk(Disk::file(&path).read_only());
        for disk in more {
            qemu = qemu.disk(Disk::file(*disk).read_only());
        }
        let mut guest = qemu.start().unwrap();
        guest.expect("is staged as intent 1", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
        staged
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    /// A copy of the disk, for one of several cases that begin alike.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.folder.path().join(name);
        let done = Command::new("cp")
            .args(["--sparse=always", "--reflink=auto"])
            .arg(self.disk())
            .arg(&copy)
            .status();
        assert!(done.unwrap().success());
        copy
    }
}

fn machine(name: &str, disk: &Path) -> Qemu {
    Qemu::new(name).memory(256).disk(Disk::file(disk))
}

fn boot(name: &str, disk: &Path) -> Guest {
    machine(name, disk).start().unwrap()
}

/// Boots until a set is up, at most a few resets, and gives its status.
fn settle(name: &str, disk: &Path) -> Value {
    for _ in 0..6 {
        let mut guest = boot(name, disk);
        if guest
            .expect_any(&["DRYDOCK-TEST-RUN drydock status --json", "resetting the machine"], LIMIT)
            .unwrap()
            .0
            == 0
        {
            let said = guest.expect("DRYDOCK-TEST-DONE", LIMIT).unwrap();
            let json = &said[said.find('{').unwrap()..=said.rfind('}').unwrap()];
            return serde_json::from_str(json).unwrap();
        }
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    }
    panic!("no set came up in six boots");
}

fn runs(status: &Value) -> (&str, &str) {
    (status["running"]["set"].as_str().unwrap(), status["running"]["version"].as_str().unwrap())
}

/// The reason of the outcome of the first intent.
fn reason(status: &Value) -> String {
    let entries = status["history"].as_array().unwrap();
    let outcome = entries.iter().find(|e| e["intent"] == 1 && e["outcome"] == "failed");
    outcome.unwrap_or_else(|| panic!("no failed outcome in {entries:?}"))["reason"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn power_cut_at_ten_moments_of_the_apply_ends_in_the_new_system_each_time() {
    let staged = Staged::new("cuts", SmallSystem::standard().unwrap());
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
    let staged = Staged::new("consoles", SmallSystem::standard().unwrap());
    for (name, serial) in [("slow", Serial::Throttled(9600)), ("absent", Serial::Absent)] {
        let disk = staged.copy(name);
        let mut guest = machine(name, &disk).serial(serial).start().unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset, "{name}");
        assert_eq!(runs(&settle(name, &disk)), ("b", "2.0.0"), "{name}");
    }
}

#[test]
fn a_clone_of_the_disk_is_refused_and_forgotten_once_it_is_gone() {
    let staged = Staged::new("clone", SmallSystem::standard().unwrap());
    let clone = staged.copy("clone.img");
    let before = std::fs::read(&clone).unwrap();
    let mut guest = machine("clone", &staged.disk()).disk(Disk::file(&clone)).start().unwrap();
    guest.expect("hand over  FAILED", LIMIT).unwrap();
    let reason = guest.expect_line("vdb", LIMIT).unwrap();
    assert!(reason.contains("vda"), "{reason}");
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    assert!(std::fs::read(&clone).unwrap() == before, "the clone was written to");
    assert_eq!(runs(&settle("clone", &staged.disk())), ("b", "2.0.0"));
}

#[test]
fn a_wrong_key_and_a_missing_data_partition_leave_the_old_system_with_the_reason() {
    let config = CONFIG.replace("provision = true", "provision = true\non_failure = \"temporary\"");
    let staged = Staged::new("keys", SmallSystem::with_config("temporary", &config).unwrap());
    let wrong_key = staged.copy("wrong-key.img");
    change_key(&wrong_key, staged.folder.path());
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
fn change_key(disk: &Path, folder: &Path) {
    let run = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).output().unwrap();
        assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let at = |name: &str| folder.join(name).display().to_string();
    let disk = disk.display().to_string();
    let info = run("sgdisk", &["-i", "11", &disk]);
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    assert!(info.contains("'data'"), "{info}");
    let (first, sectors) = (field("First sector: "), field("Partition size: "));
    let (part, old, new) = (at("part"), at("old"), at("new"));
    std::fs::write(&old, [0x5a; 32]).unwrap();
    std::fs::write(&new, [0x77; 32]).unwrap();
    let (input, output) = (format!("if={disk}"), format!("of={disk}"));
    run(
        "dd",
        &[
            &input,
            &format!("of={part}"),
            &format!("skip={first}"),
            &format!("count={sectors}"),
            "status=none",
        ],
    );
    let cheap = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--batch-mode"];
    run("cryptsetup", &[&["luksChangeKey", &part, "--key-file", &old, &new][..], &cheap].concat());
    run("dd", &[&format!("if={part}"), &output, &format!("seek={first}"), "conv=notrunc", "status=none"]);
}

#[test]
fn a_medium_that_stops_answering_leaves_the_old_system_with_the_reason() {
    let system = SmallSystem::standard().unwrap();
    let v2 = system.release("2.0.0", 2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (tree, stick) = (folder.path().join("tree"), folder.path().join("stick.img"));
    std::fs::create_dir(&tree).unwrap();
    std::fs::copy(&v2.bundle, tree.join("v2.drydock")).unwrap();
    let made = Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-d"])
        .arg(&tree)
        .arg(&stick)
        .arg("64M")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let script =
        Script::default().then("drydock mark-good").then("drydock stage --medium v2.drydock").then("reboot");
    let staged = Staged::with_script("pulled", system, &script, &[&stick]);

    // From here on the medium answers with errors in the middle of the bundle.
    let file =
        serde_json::json!({"driver": "file", "filename": stick, "node-name": "file", "read-only": true});
    let sectors = [12, 16, 20].map(|mib: u64| mib << 11);
    let errors =
        sectors.map(|sector| serde_json::json!({"event": "none", "iotype": "read", "sector": sector}));
    let debug = serde_json::json!({
        "driver": "blkdebug", "image": "file", "node-name": "stick", "read-only": true, "inject-error": errors
    });
    let qemu = machine("pulled", &staged.disk()).arg("-blockdev").arg(file.to_string());
    let qemu = qemu.arg("-blockdev").arg(debug.to_string()).disk(Disk::node("stick").read_only());
    let mut guest = qemu.start().unwrap();
    guest.expect("FAILED", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let status = settle("pulled", &staged.disk());
    assert_eq!(runs(&status), ("a", "1.0.0"));
    assert!(
        reason(&status).contains("v2.drydock") || reason(&status).contains("error"),
        "{}",
        reason(&status)
    );
}

#[test]
fn without_a_boot_environment_the_last_good_set_still_starts() {
    let system = SmallSystem::standard().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    system.flash(&system.release("1.0.0", 1).unwrap(), &disk).unwrap();
    // The whole filesystem of `bootenv`: 4 MiB from the second MiB on.
    let of = format!("of={}", disk.display());
    let wiped =
        Command::new("dd").args(["if=/dev/zero", &of, "bs=1M", "seek=2", "count=4", "conv=notrunc"]).output();
    assert!(wiped.unwrap().status.success());
    let mut guest = boot("no-bootenv", &disk);
    guest.expect("starting set a from here", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-UP", LIMIT).unwrap();
}
