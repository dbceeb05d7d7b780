//! A device of the small system for tests: flashed, started, asked how it is, its partitions seen from the host.

use drydock_block::{BlockDevice, MemoryDevice, SectorSize, read_vec};
use drydock_luks::{Limits, Volume};
use drydock_models::CryptDevice;
pub(crate) use drydock_qemu_tests::small_config as config;
use drydock_qemu_tests::{Bus, Disk, Exit, Firmware, Guest, Qemu, Script, SmallSystem, run};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The limit of every wait.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// A device with v1 in set a, in a folder of its own.
pub(crate) struct Device {
    name: String,
    folder: tempfile::TempDir,
    pub(crate) system: SmallSystem,
    /// Whose disk is an SD card, then.
    u_boot: Option<PathBuf>,
}

impl Device {
    /// One that has been flashed and was never started.
    pub(crate) fn flashed(name: &str, system: SmallSystem) -> Self {
        let device = Self::without_disk(name, system);
        let v1 = device.system.release("1.0.0", 1).unwrap();
        device.system.flash(&v1, &device.disk()).unwrap();
        device
    }

    fn without_disk(name: &str, system: SmallSystem) -> Self {
        Self { name: name.into(), folder: tempfile::tempdir().unwrap(), system, u_boot: None }
    }

    /// The same on a machine that this U-Boot starts.
    pub(crate) fn with_u_boot(self, rom: &Path) -> Self {
        Self { u_boot: Some(rom.into()), ..self }
    }

    /// One with v2 staged on `data`: the next boot is the recovery's. The first test of a system starts it, the others
    /// begin with a copy.
    pub(crate) fn staged(name: &str, system: SmallSystem) -> Self {
        let device = Self::without_disk(name, system.clone());
        let stage = |disk: &Path| {
            let v2 = system.release("2.0.0", 2).unwrap();
            let first = Self::after(name, system.clone(), &Script::stage(&v2.bundle).unwrap());
            copy_disk(&first.disk(), disk);
        };
        system.disk_made_once("staged", &device.disk(), stage).unwrap();
        device
    }

    /// One with v2 staged on a stick, [`Device::stick`], which the live system has mounted for writing.
    pub(crate) fn staged_on_stick(name: &str, system: SmallSystem) -> Self {
        let device = Self::flashed(name, system);
        let v2 = device.system.release("2.0.0", 2).unwrap();
        ext4(&device.stick(), 64, &[("v2.drydock", &fs::read(&v2.bundle).unwrap())]);
        let stage = Script::default()
            .then("drydock mark-good")
            .then("mount /dev/vdc ext4 /tmp")
            .then("drydock stage --medium v2.drydock")
            .then("reboot");
        let machine = device.machine(Some(&stage)).disk(Disk::file(device.stick()));
        device.check_staged(machine);
        device
    }

    /// One that has run v1 with a script that stages something and ends in a reset.
    pub(crate) fn after(name: &str, system: SmallSystem, script: &Script) -> Self {
        let device = Self::flashed(name, system);
        device.check_staged(device.machine(Some(script)));
        device
    }

    fn check_staged(&self, machine: Qemu) {
        let mut guest = machine.start().unwrap();
        guest.expect("is staged as intent 1", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
        assert!(self.disk().exists());
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn disk(&self) -> PathBuf {
        self.path("disk.img")
    }

    pub(crate) fn stick(&self) -> PathBuf {
        self.path("stick.img")
    }

    /// A copy of the disk, for one of several cases that begin alike.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let copy = self.path(name);
        copy_disk(&self.disk(), &copy);
        copy
    }

    /// Its machine, with a script for the set that is started.
    pub(crate) fn machine(&self, script: Option<&Script>) -> Qemu {
        let machine = match &self.u_boot {
            None => machine(&self.name, &self.disk()),
            // Where U-Boot loads the initramfs to is beyond 192 MiB.
            Some(rom) => Qemu::new(&self.name)
                .memory(384)
                .firmware(Firmware::UBoot(rom.clone()))
                .disk(Disk::file(self.disk()).bus(Bus::Mmc)),
        };
        let Some(script) = script else { return machine };
        let path = self.path("script.img");
        script.write(&path).unwrap();
        machine.disk(Disk::file(&path).read_only())
    }

    pub(crate) fn start(&self, script: Option<&Script>) -> Guest {
        self.machine(script).start().unwrap()
    }

    /// Boots up to this end; gives what was said.
    pub(crate) fn run(&self, script: Option<&Script>, end: Exit) -> String {
        let mut guest = self.start(script);
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), end);
        guest.said()
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
    /// Counted from 1.
    pub(crate) number: u32,
    /// In bytes, as the length is.
    pub(crate) start: u64,
    pub(crate) len: usize,
}

impl Partition {
    pub(crate) fn find(disk: &Path, label: &str) -> Self {
        let table = run(Command::new("sgdisk").arg("-p").arg(disk)).unwrap();
        let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.last() == Some(&label)).unwrap();
        let number = row[0].parse().unwrap();
        let [first, last]: [u64; 2] = [1, 2].map(|column: usize| row[column].parse().unwrap());
        Self { disk: disk.into(), number, start: first * 512, len: ((last + 1 - first) * 512) as usize }
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
    let partition = MemoryDevice::from_bytes(Partition::find(disk, label).read(), SectorSize::S512);
    let volume = Volume::open(&partition, &Limits::new(1 << 20)).unwrap();
    let inside = CryptDevice::new(&partition, &volume.unlock(&[0x5a; 32]).unwrap()).unwrap();
    read_vec(&inside, 0, inside.size() as usize).unwrap()
}
