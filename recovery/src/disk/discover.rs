//! Finding our disk, and removable media: what the kernel announces, what `/sys` says, and a time limit.

#[cfg(feature = "service")]
use super::abandon::within;
use super::block::{Access, DiskDevice};
use super::choice::{Disk, Refusal, choose};
use super::modules::Aliases;
use super::uevent::Uevents;
use crate::answer::Result;
use crate::sys;
use drydock_config as config;
use drydock_engine::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What makes a disk recognisable as ours.
pub const LABELS: [&str; 2] = ["bootenv", "state"];
/// How long no block device may appear before what is there counts as all of it. A clone of our disk on the
/// same controller shows up within it.
const SETTLE: Duration = Duration::from_millis(100);

/// How long a disk may take for its partition table.
const ANSWER: Duration = Duration::from_secs(10);

/// A partition table, or why there is none.
type Read = std::result::Result<drydock_gpt::Table, String>;

/// Devices as they come: events, and the modules that they ask for.
#[derive(Debug)]
pub struct Hotplug {
    /// The kernel's events.
    pub events: Uevents,
    /// Modules for what the events name.
    pub aliases: Aliases,
}

impl Hotplug {
    /// Waits until `deadline` for a block device to come, change or go. Meanwhile modules are loaded for
    /// whatever else comes. `false`: nothing happened.
    pub fn wait(&mut self, deadline: Instant, warn: &mut dyn FnMut(String)) -> Result<bool> {
        while let Some(event) = self.events.next(deadline)? {
            self.aliases.handle(&event, warn);
            // A second way to an NVMe drive is announced by its controller only.
            if matches!(event.subsystem.as_str(), "block" | "nvme") {
                // One look will do for all that is queued.
                while let Some(event) = self.events.next(Instant::now())? {
                    self.aliases.handle(&event, warn);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Our disk, chosen and ready.
#[derive(Clone, Debug)]
pub struct OurDisk {
    /// Its node in `/dev`.
    pub node: PathBuf,
    /// What made it ours.
    pub facts: Disk,
    /// Its partitions, each with its node.
    pub partitions: Vec<Part>,
}

/// A partition of our disk.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its node in `/dev`.
    pub node: PathBuf,
    /// Its entry in the partition table.
    pub entry: drydock_gpt::Partition,
}

impl OurDisk {
    /// The one partition with a label.
    pub fn partition(&self, label: &str) -> Result<&Part> {
        let mut found = self.partitions.iter().filter(|part| part.entry.label == label);
        match (found.next(), found.count()) {
            (Some(part), 0) => Ok(part),
            (first, more) => Err(Error::Partition {
                label: label.into(),
                disk: self.node.display().to_string(),
                found: usize::from(first.is_some()) + more,
            }),
        }
    }
}

/// Waits until exactly one disk fits the configuration and has all of `labels`, at most for the configured
/// time. `labels` are what makes a disk recognisable (`bootenv` and `state`); a partition that is missing
/// otherwise is better reported by name later.
pub fn find_disk(
    wanted: &config::Disk,
    labels: &[&str],
    hotplug: &mut Hotplug,
    warn: &mut dyn FnMut(String),
) -> Result<OurDisk> {
    let deadline = Instant::now() + wanted.wait_seconds.as_duration();
    let mut looked_last = false;
    let mut silent = Vec::new();
    loop {
        let disks: Vec<Disk> = scan().into_iter().map(|name| inspect(&name, &mut silent)).collect();
        let choice = choose(&disks, wanted, labels);
        let waits_until = match choice {
            Err(Refusal::None { .. }) => deadline,
            _ => Instant::now() + SETTLE,
        };
        if hotplug.wait(waits_until, warn)? && Instant::now() < deadline + SETTLE {
            continue;
        }
        // What came without an event counts as well.
        if choice.is_err() && !std::mem::replace(&mut looked_last, true) {
            continue;
        }
        return match choice {
            Ok(ours) => {
                if disks[ours].has_damaged_table() {
                    warn(format!(
                        "the first partition table of {} is damaged, and its backup is used; write it anew",
                        disks[ours].name
                    ));
                }
                attach(&disks[ours])
            }
            Err(refusal) => Err(Error::NoDisk { fitting: refusal.fitting(), why: refusal.to_string() }),
        };
    }
}

/// A look at what is plugged in: every block device that is not on our disk, one after the other, as it comes.
/// Partitions are shown, and disks that have none.
#[derive(Debug)]
pub struct Media {
    own_name: String,
    seen: Vec<String>,
    deadline: Instant,
}

impl Media {
    /// A look that waits so long for media to come.
    pub fn new(ours: &OurDisk, wait: Duration) -> Self {
        Self { own_name: ours.facts.name.clone(), seen: vec![], deadline: Instant::now() + wait }
    }

    /// Waits no longer for what may still come. What is there already is shown all the same.
    pub fn wait_no_longer(&mut self) {
        self.deadline = Instant::now();
    }

    /// The next device's node; nothing once the time is over.
    pub fn next(&mut self, hotplug: &mut Hotplug, warn: &mut dyn FnMut(String)) -> Result<Option<PathBuf>> {
        loop {
            let disks = scan().into_iter().filter(|name| *name != self.own_name);
            let present: Vec<String> = disks.flat_map(|disk| usable_parts(&disk)).collect();
            // What was pulled out may come back as something else.
            self.seen.retain(|name| present.contains(name));
            for name in present {
                if !self.seen.contains(&name) {
                    self.seen.push(name.clone());
                    return Ok(Some(node(&name)));
                }
            }
            if !hotplug.wait(self.deadline, warn)? {
                return Ok(None);
            }
        }
    }
}

/// The names of all whole disks that hold something.
fn scan() -> Vec<String> {
    const NO_DISKS: [&str; 5] = ["dm-", "loop", "ram", "zram", "md"];
    let entries = fs::read_dir("/sys/class/block").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let disks = names
        .filter(|name| !NO_DISKS.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|name| !class(name).join("partition").exists())
        .filter(|name| number(&class(name).join("size")).is_some_and(|size| size > 0))
        // One of the ways to a disk that is shown by another name, and has no node.
        .filter(|name| number(&class(name).join("hidden")) != Some(1));
    in_order(disks)
}

/// Gathers what is to know about a disk. What cannot be read speaks against the disk, not against the search.
fn inspect(name: &str, silent: &mut Vec<PathBuf>) -> Disk {
    Disk {
        name: name.into(),
        bus_paths: bus_paths(Path::new("/sys"), name),
        removable: number(&class(name).join("removable")) == Some(1),
        table: read_table(node(name), ANSWER, silent),
    }
}

/// Reads a partition table. A disk that takes longer than `limit` goes to those that are `silent`, and is not asked again: a
/// stick that hangs holds up no start for long.
#[cfg(feature = "service")]
fn read_table(node: PathBuf, limit: Duration, silent: &mut Vec<PathBuf>) -> Read {
    let asked = node.clone();
    let read = if silent.contains(&node) { None } else { within(limit, move || table(&asked)) };
    read.unwrap_or_else(|| {
        silent.retain(|known| *known != node);
        silent.push(node);
        Err("does not answer".into())
    })
}

#[cfg(not(feature = "service"))]
fn read_table(node: PathBuf, _limit: Duration, _silent: &mut Vec<PathBuf>) -> Read {
    table(&node)
}

fn table(node: &Path) -> Read {
    let device = DiskDevice::open(node, Access::ReadOnly).map_err(|error| error.to_string())?;
    drydock_gpt::read(&device).map_err(|error| error.to_string())
}

/// The real paths of a disk below `/sys/devices`. An NVMe drive that says that it may be shared is shown by the kernel below a
/// virtual parent, its subsystem: it is also where the controllers of that are.
fn bus_paths(sys: &Path, name: &str) -> Vec<String> {
    let class = sys.join("class/block").join(name);
    let path = fs::canonicalize(&class).unwrap_or(class);
    let devices = fs::canonicalize(sys.join("devices")).unwrap_or_default();
    let below = |path: &Path| path.strip_prefix(&devices).unwrap_or(path).to_path_buf();
    let mut paths = vec![below(&path)];
    if paths[0].starts_with("virtual/nvme-subsystem") {
        let entries = path.parent().and_then(|parent| fs::read_dir(parent).ok());
        let links = entries.into_iter().flatten().flatten().filter(|entry| {
            entry.file_name().as_encoded_bytes().starts_with(b"nvme")
                && entry.file_type().is_ok_and(|kind| kind.is_symlink())
        });
        let controllers = links.filter_map(|entry| fs::canonicalize(entry.path()).ok());
        paths.extend(controllers.map(|controller| below(&controller).join(name)));
        paths = in_order(paths.into_iter());
    }
    paths.iter().map(|path| path.display().to_string()).collect()
}

/// Finds the partitions' nodes. Partitions that the kernel did not find (it ignores the backup table unless
/// told otherwise) are made known to it; one that it sees elsewhere than the table says is an error.
fn attach(disk: &Disk) -> Result<OurDisk> {
    let whole = node(&disk.name);
    let mut partitions = vec![];
    for entry in disk.partitions() {
        let name = match kernel_partition(disk, entry)? {
            Some(name) => name,
            None => {
                fs::File::open(&whole)
                    .and_then(|file| sys::add_partition(&file, entry.index, entry.start, entry.len))
                    .map_err(Error::doing(format_args!(
                        "make partition {} of {} known",
                        entry.index, disk.name
                    )))?;
                kernel_partition(disk, entry)?.ok_or_else(|| {
                    Error::Unusable(format!("the kernel shows no partition {} of {}", entry.index, disk.name))
                })?
            }
        };
        partitions.push(Part { node: node(&name), entry: entry.clone() });
    }
    Ok(OurDisk { node: whole, facts: disk.clone(), partitions })
}

fn kernel_partition(disk: &Disk, entry: &drydock_gpt::Partition) -> Result<Option<String>> {
    for name in parts(&disk.name) {
        let folder = class(&name);
        if number(&folder.join("partition")) != Some(u64::from(entry.index)) {
            continue;
        }
        // The kernel counts in units of 512 bytes, whatever the sector size.
        let place = (number(&folder.join("start")), number(&folder.join("size")));
        if place == (Some(entry.start / 512), Some(entry.len / 512)) {
            return Ok(Some(name));
        }
        return Err(Error::Unusable(format!(
            "the kernel sees partition {} of {} elsewhere than its table says; restart with the table repaired",
            entry.index, disk.name
        )));
    }
    Ok(None)
}

/// A disk's partitions, or the disk itself if it has none.
fn usable_parts(disk: &str) -> Vec<String> {
    let parts = parts(disk);
    if parts.is_empty() { vec![disk.into()] } else { parts }
}

fn parts(disk: &str) -> Vec<String> {
    let entries = fs::read_dir(class(disk)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    in_order(names.filter(|name| class(disk).join(name).join("partition").exists()))
}

/// Puts things in order. There are few: this takes less code than sorting.
fn in_order<T: Ord>(things: impl Iterator<Item = T>) -> Vec<T> {
    let mut sorted = Vec::new();
    for thing in things {
        let place = sorted.partition_point(|before| *before <= thing);
        sorted.insert(place, thing);
    }
    sorted
}

fn class(name: &str) -> PathBuf {
    Path::new("/sys/class/block").join(name)
}

/// A device's node. The kernel writes `!` for the `/` in a name.
fn node(name: &str) -> PathBuf {
    Path::new("/dev").join(name.replace('!', "/"))
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_disk_that_does_not_come_is_waited_for_as_long_as_the_configuration_says() {
        let wanted = config::Disk {
            bus: Some("no-such-bus".into()),
            wait_seconds: config::Seconds(1),
            ..Default::default()
        };
        let mut hotplug = Hotplug { events: Uevents::open().unwrap(), aliases: Aliases::default() };
        let started = Instant::now();
        let error = find_disk(&wanted, &["state"], &mut hotplug, &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::NoDisk { fitting: 0, .. }), "{error}");
        let waited = started.elapsed();
        assert!((Duration::from_secs(1)..Duration::from_secs(20)).contains(&waited), "{waited:?}");
    }

    #[cfg(feature = "service")]
    #[test]
    fn a_disk_that_does_not_answer_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        // Opening it waits for somebody at its other end, who never comes.
        let node = folder.path().join("sdx");
        let made = std::process::Command::new("mkfifo").arg(&node).status().unwrap();
        assert!(made.success());
        let mut silent = Vec::new();
        for limit in [Duration::from_millis(100), Duration::from_secs(3600)] {
            let read = read_table(node.clone(), limit, &mut silent);
            assert_eq!(read.unwrap_err(), "does not answer");
            assert_eq!(silent, std::slice::from_ref(&node));
        }
        let read = read_table(folder.path().into(), Duration::from_secs(60), &mut silent);
        assert!(!read.unwrap_err().contains("answer"));
    }

    /// As Linux 6.1 shows a drive whose subsystem has two controllers, and one that has none.
    #[test]
    fn a_shared_nvme_drive_is_where_its_controllers_are() {
        let sys = tempfile::tempdir().unwrap();
        let at = |path: &str| sys.path().join(path);
        let folder = |path: &str| fs::create_dir_all(at(path)).unwrap();
        let link = |to: &str, from: &str| symlink(at(to), at(from)).unwrap();
        let subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0";
        let controllers = ["04.0/nvme/nvme0", "05.0/nvme/nvme1"];
        folder("class/block");
        folder("class/nvme-subsystem");
        folder(&format!("{subsystem}/nvme0n1/nvme0n1p1"));
        for controller in controllers {
            let folder_of = format!("devices/pci0000:00/0000:00:{controller}");
            folder(&folder_of);
            link(&folder_of, &format!("{subsystem}/{}", controller.rsplit('/').next().unwrap()));
        }
        link("class/nvme-subsystem", &format!("{subsystem}/subsystem"));
        link(&format!("{subsystem}/nvme0n1"), "class/block/nvme0n1");
        let plain = "pci0000:00/0000:00:06.0/nvme/nvme2/nvme2n1";
        folder(&format!("devices/{plain}"));
        link(&format!("devices/{plain}"), "class/block/nvme2n1");

        let [one, other] = controllers.map(|controller| format!("pci0000:00/0000:00:{controller}/nvme0n1"));
        let virtual_path = "virtual/nvme-subsystem/nvme-subsys0/nvme0n1".to_owned();
        assert_eq!(bus_paths(sys.path(), "nvme0n1"), [one, other, virtual_path]);
        assert_eq!(bus_paths(sys.path(), "nvme2n1"), [plain]);
    }
}
