//! A job, recorded: the disk before it, and every write and flush of it.

use crate::blklog::{self, Entry};
use crate::job::{Job, Release, Task, WORD, machine, machine_id};
use drydock_files::FileDevice;
use drydock_qemu_tests::{Disk, QemuError, target_dir};
use drydock_simulator::contents::Contents;
use drydock_simulator::cut::{Choice, Replay};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What a device has done to its disk, in a folder that has all that is needed to do a cut again.
pub struct Recording {
    /// Its name: the folder's.
    pub name: String,
    /// The disk before.
    pub base: Contents,
    /// What all boots wrote, one after the other.
    pub entries: Vec<Entry>,
    /// How many entries there were when each boot ended.
    pub ends: Vec<usize>,
    /// What may be in a slot.
    pub releases: Vec<Release>,
    /// The version that ran before.
    pub old: String,
    /// The version that runs in the end.
    pub new: String,
    /// What kind of job it is of.
    pub task: Task,
    /// Whether each release has a tree of files.
    pub field: bool,
    /// The machine id at its beginning, or the first one that there was.
    pub machine_id: String,
    /// From this entry on a system knew its machine id.
    pub known: usize,
}

/// A log grows to the size of all that is written.
const LOG_SIZE: u64 = 1 << 30;

/// What the boot slots' image is kept as.
const BOOT_IMAGE: &str = "boot.squashfs";

impl Recording {
    /// Does a job in QEMU and keeps what its disk was asked to do, in place of what was recorded under this name before.
    pub fn make(name: &str, job: &Job) -> Result<Self, QemuError> {
        let folder = folder(name);
        io("make a folder for a recording", || {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            fs::create_dir_all(&folder)
        })?;
        let (base, disk, script) =
            (folder.join("base.img"), folder.join("disk.img"), folder.join("script.img"));
        let mut said = job.prepare(&base)?;
        io("copy a disk", || Contents::load(&base)?.save(&disk))?;
        let word_at = io("find a place on a disk", || unused(&base))?;
        job.script(word_at)?.write(&script)?;
        for n in 0..job.boots {
            let log = folder.join(format!("{n}.log"));
            io("make a log", || File::create(&log)?.set_len(LOG_SIZE))?;
            let mut qemu = machine(name).disk(Disk::node("logged"));
            for node in nodes(&disk, &log) {
                qemu = qemu.arg("-blockdev").arg(node.to_string());
            }
            said += &job.boot(n, qemu, &script)?;
        }
        let id = machine_id(&said).ok_or_else(|| QemuError::Program {
            command: format!("show the machine id of {name}"),
            output: "it has none".into(),
        })?;
        let mut versions = Vec::new();
        for release in job.before.iter().chain([&job.target]) {
            let version = release.bundle.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if !versions.contains(&version) {
                io("keep a release", || {
                    keep(&release.bundle, &folder, &format!("{version}.drydock"))?;
                    keep(&release.root, &folder, &format!("{version}.erofs"))
                })?;
            }
            versions.push(version);
        }
        let task = Task::ALL.into_iter().find(|(task, _)| *task == job.task).map(|(_, name)| name);
        let about = json!({"boots": job.boots, "releases": versions, "task": task, "field": job.field, "machine-id": id});
        io("keep a recording", || {
            keep(&job.boot_image(), &folder, BOOT_IMAGE)?;
            fs::write(folder.join("recording.json"), about.to_string())
        })?;
        let recording = Self::load(name)?;
        recording.check(&disk)?;
        io("remove what a recording does not need", || {
            fs::remove_file(&disk)?;
            fs::remove_file(&script)
        })?;
        Ok(recording)
    }

    /// A recording that was made before.
    pub fn load(name: &str) -> Result<Self, QemuError> {
        io(&format!("load the recording {}", folder(name).display()), || Self::read(name))
    }

    fn read(name: &str) -> io::Result<Self> {
        let folder = folder(name);
        let about: Value = serde_json::from_slice(&fs::read(folder.join("recording.json"))?)?;
        let (mut entries, mut ends) = (Vec::new(), Vec::new());
        for n in 0..about["boots"].as_u64().unwrap_or_default() {
            entries.extend(blklog::read(&folder.join(format!("{n}.log")))?);
            ends.push(entries.len());
        }
        let boot = folder.join(BOOT_IMAGE);
        let mut releases = Vec::new();
        for release in about["releases"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let file = |extension: &str| folder.join(format!("{release}.{extension}"));
            releases.push(Release::read(&file("drydock"), &file("erofs"), &boot)?);
        }
        let [.., old, new] = &releases[..] else { return Err(io::ErrorKind::InvalidData.into()) };
        let named = |(task, name)| (about["task"] == name).then_some(task);
        let task = Task::ALL.into_iter().find_map(named).ok_or(io::ErrorKind::InvalidData)?;
        let told =
            |entry: &Entry| matches!(entry, Entry::Write { bytes, .. } if bytes.starts_with(WORD.as_bytes()));
        let known = if task == Task::FirstBoot { entries.iter().position(told) } else { Some(0) };
        Ok(Self {
            name: name.into(),
            base: Contents::load(&folder.join("base.img"))?,
            known: known.ok_or(io::ErrorKind::InvalidData)?,
            entries,
            ends,
            task,
            field: about["field"] == true,
            machine_id: about["machine-id"].as_str().unwrap_or_default().into(),
            old: old.version.clone(),
            new: new.version.clone(),
            releases,
        })
    }

    /// The disk before, and nothing in flight.
    pub fn replay(&self) -> Replay {
        Replay::new(self.base.clone(), blklog::SECTOR)
    }

    /// How many boots had ended when so many entries had happened.
    pub fn boots_over(&self, cut: usize) -> usize {
        self.ends.iter().take_while(|end| **end <= cut).count()
    }

    /// Makes sure that the log tells all: played back to its end it gives the disk that the guest left.
    fn check(&self, disk: &Path) -> Result<(), QemuError> {
        let mut replay = self.replay();
        self.entries.iter().for_each(|entry| play(&mut replay, entry));
        let left = io("load a disk", || Contents::load(disk))?;
        if replay.fingerprint(Choice::Prefix(replay.flight())) == left.fingerprint() {
            return Ok(());
        }
        Err(QemuError::Program {
            command: format!("a replay of {}", self.name),
            output: format!("the log does not lead to {}", disk.display()),
        })
    }
}

/// A place on a disk that none of the jobs looks at until there is a factory reset, in bytes.
fn unused(disk: &Path) -> io::Result<u64> {
    let table = drydock_gpt::read(&FileDevice::open(disk, blklog::SECTOR)?).map_err(io::Error::other)?;
    let stash = table.partitions.iter().find(|partition| partition.label == "stash");
    stash.map(|partition| partition.start).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Plays one entry of a log.
pub fn play(replay: &mut Replay, entry: &Entry) {
    match entry {
        Entry::Write { offset, bytes } => replay.write(*offset, bytes),
        Entry::Flush => replay.flush(),
    }
}

fn folder(name: &str) -> PathBuf {
    target_dir().join("boot-cuts").join(name)
}

/// A disk whose writes and flushes go into a log; its last node is called `logged`.
fn nodes(disk: &Path, log: &Path) -> [Value; 3] {
    let file = |name: &str, path: &Path| {
        json!({"driver": "raw", "node-name": name, "discard": "unmap", "file":
            {"driver": "file", "filename": path, "discard": "unmap"}})
    };
    let logged = json!({
        "driver": "blklogwrites", "node-name": "logged", "discard": "unmap", "file": "disk", "log": "log",
        "log-sector-size": blklog::SECTOR.bytes(), "log-super-update-interval": 1
    });
    [file("disk", disk), file("log", log), logged]
}

/// Gives a file of the small system a second name in a folder.
fn keep(file: &Path, folder: &Path, name: &str) -> io::Result<()> {
    fs::hard_link(file, folder.join(name))
}

fn io<T>(doing: &str, work: impl FnOnce() -> io::Result<T>) -> Result<T, QemuError> {
    work().map_err(QemuError::io(doing))
}
