//! A device of the small system for tests: flashed, started, asked how it is, its partitions seen from the host.

use drydock_block::{BlockDevice, MemoryDevice, read_vec};
use drydock_luks::{CryptDevice, Limits, Volume};
use drydock_qemu::{Disk, Exit, Guest, Qemu, Script, SmallSystem, run};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The limit of every wait.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);
/// The configuration that most tests use, to be changed.
pub(crate) const CONFIG: &str = include_str!("../../src/small.toml");

/// The configuration with other texts in place of some of its own, each of which it has once.
pub(crate) fn config(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(CONFIG.to_owned(), |config, (old, new)| {
        assert_eq!(config.matches(old).count(), 1, "{old}");
        config.replace(old, new)
    })
}

/// A device with v1 in set a and something staged: the next boot is the recovery's.
pub(crate) struct Staged {
    pub(crate) folder: tempfile::TempDir,
    system: SmallSystem,
}

impl Staged {
    /// One with v2 staged on `data`.
    pub(crate) fn new(name: &str, system: SmallSystem) -> Self {
        let v2 = system.release("2.0.0", 2).unwrap();
        let script = Script::stage(&v2.bundle).unwrap();
        let staged = Self::with_script(name, system, &script, &[]);
        assert!(staged.disk().exists());
        staged
    }

    /// Boots v1 with the script, which ends in a reset.
    pub(crate) fn with_script(name: &str, system: SmallSystem, script: &Script, more: &[&Path]) -> Self {
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

    pub(crate) fn disk(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    /// A copy of the disk, for one of several cases that begin alike.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let copy = self.folder.path().join(name);
        copy_disk(&self.disk(), &copy);
        copy
    }
}

/// Copies a disk image without its holes.
pub(crate) fn copy_disk(from: &Path, to: &Path) {
    run(Command::new("cp").args(["--sparse=always", "--reflink=auto"]).args([from, to])).unwrap();
}

pub(crate) fn machine(name: &str, disk: &Path) -> Qemu {
    Qemu::new(name).memory(256).disk(Disk::file(disk))
}

pub(crate) fn boot(name: &str, disk: &Path) -> Guest {
    machine(name, disk).start().unwrap()
}

/// Boots until a set is up, at most a few resets, and gives its status.
pub(crate) fn settle(name: &str, disk: &Path) -> Value {
    for _ in 0..6 {
        let mut guest = boot(name, disk);
        let ends = ["DRYDOCK-TEST-UP", "resetting the machine"];
        if guest.expect_any(&ends, LIMIT).unwrap().0 == 0 {
            return status(&mut guest);
        }
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    }
    panic!("no set came up in six boots");
}

/// What `drydock status --json` says in a system that is up, and whose script has that command.
pub(crate) fn status(guest: &mut Guest) -> Value {
    guest.expect("DRYDOCK-TEST-RUN drydock status --json", LIMIT).unwrap();
    let said = guest.expect("DRYDOCK-TEST-DONE", LIMIT).unwrap();
    object(&said)
}

/// The JSON object in what was said.
pub(crate) fn object(said: &str) -> Value {
    let json = &said[said.find('{').unwrap()..=said.rfind('}').unwrap()];
    serde_json::from_str(json).unwrap()
}

/// Set and version that run.
pub(crate) fn runs(status: &Value) -> (&str, &str) {
    (status["running"]["set"].as_str().unwrap(), status["running"]["version"].as_str().unwrap())
}

/// The reason of the outcome of the first intent.
pub(crate) fn reason(status: &Value) -> String {
    let entries = status["history"].as_array().unwrap();
    let outcome = entries.iter().find(|e| e["intent"] == 1 && e["outcome"] == "failed");
    outcome.unwrap_or_else(|| panic!("no failed outcome in {entries:?}"))["reason"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A partition on a disk image, as `sgdisk` finds it.
pub(crate) struct Partition {
    disk: PathBuf,
    start: u64,
    pub(crate) len: usize,
}

impl Partition {
    pub(crate) fn find(disk: &Path, label: &str) -> Self {
        let table = run(Command::new("sgdisk").arg("-p").arg(disk)).unwrap();
        let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.last() == Some(&label)).unwrap();
        let [first, last]: [u64; 2] = [1, 2].map(|column: usize| row[column].parse().unwrap());
        Self { disk: disk.into(), start: first * 512, len: ((last + 1 - first) * 512) as usize }
    }

    pub(crate) fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        File::open(&self.disk).unwrap().read_exact_at(&mut bytes, self.start).unwrap();
        bytes
    }

    /// Writes to its start.
    pub(crate) fn write(&self, bytes: &[u8]) {
        assert!(bytes.len() <= self.len);
        File::options().write(true).open(&self.disk).unwrap().write_all_at(bytes, self.start).unwrap();
    }

    /// Copies it to a file, has something done to that, and copies it back.
    pub(crate) fn change(&self, work: impl FnOnce(&Path)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), self.read()).unwrap();
        work(file.path());
        self.write(&fs::read(file.path()).unwrap());
    }
}

/// An ext4 filesystem of this size in MiB, with these files in it.
pub(crate) fn ext4(image: &Path, mib: u32, files: &[(&str, &[u8])]) {
    let tree = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let mut mke2fs = Command::new("mke2fs");
    run(mke2fs.args(["-q", "-t", "ext4", "-d"]).args([tree.path(), image]).arg(format!("{mib}M"))).unwrap();
}

/// What is in the LUKS volume of this partition, which the initramfs' key opens.
pub(crate) fn decrypted(disk: &Path, label: &str) -> Vec<u8> {
    let partition = MemoryDevice::from_bytes(Partition::find(disk, label).read(), 512);
    let volume = Volume::open(&partition, &Limits::new(1 << 20)).unwrap();
    let inside = CryptDevice::new(&partition, &volume.unlock(&[0x5a; 32]).unwrap()).unwrap();
    read_vec(&inside, 0, inside.size() as usize).unwrap()
}
