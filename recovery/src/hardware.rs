//! The real machine: partitions of our disk, device-mapper, mounts.

use crate::console::Console;
use crate::device::data::{self, DataVolume};
use crate::device::discover::{Hotplug, Media, OurDisk};
use crate::device::files;
use crate::device::lock::{self, StateLock};
use crate::device::mapper::{self, Mapped, Verity};
use crate::device::mounts::{self, MountedMedium, open_inside};
use crate::device::random;
use crate::device::unlock::{Surroundings, Unlocker};
use crate::device::{Access, Answer, DiskDevice};
use drydock_config::{Config, DATA_MAPPING, Data, SlotClass, Unlock, proof_mapping};
use drydock_engine::Error;
use drydock_engine::event::Events;
use drydock_engine::machine::{Device, Found, Lock, Machine, Take, open_bootloader};
use drydock_engine::update::prove;
use drydock_format::{Image, ReadAt, Tail};
use drydock_state::{Bootloader, SlotName, Source};
use nix::fcntl::OFlag;
use nix::unistd::{SysconfVar, sysconf};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where recovery mounts the `data` volume.
const DATA_MOUNT: &str = "/run/drydock/data";
/// Where recovery mounts a removable medium.
const MEDIUM_MOUNT: &str = "/run/drydock/medium";

/// How long mounting may take: a journal is replayed, a filesystem grown.
pub const MOUNT_TIME: Duration = Duration::from_secs(120);

/// How long it may take to go through all ways to a key, each with the derivations for it.
fn unlock_time(ways: &[Unlock]) -> Duration {
    let one = |way: &Unlock| match way {
        Unlock::Initramfs { .. } | Unlock::Partition { .. } => data::DERIVATION,
        Unlock::Medium { wait_seconds, .. } => {
            Duration::from_secs(u64::from(*wait_seconds)) + data::DERIVATION
        }
        // A new passphrase is asked for twice.
        Unlock::Passphrase { tries, wait_seconds } => {
            (Duration::from_secs(2 * u64::from(*wait_seconds)) + data::DERIVATION) * *tries
        }
    };
    ways.iter().map(one).sum()
}

/// The machine that drydock runs on.
pub struct Hardware<'a> {
    config: &'a Config,
    events: &'a dyn Events,
    console: &'a Console,
    disk: OurDisk,
    is_live: bool,
    inner: Mutex<Inner<'a>>,
}

/// What changes while drydock works.
struct Inner<'a> {
    hotplug: Hotplug,
    unlocker: Unlocker<'a>,
    /// Where the `data` volume is mounted, once it is.
    data: Option<PathBuf>,
    /// The insides of encrypted slots, by label.
    slots: BTreeMap<String, Mapped>,
}

impl<'a> Hardware<'a> {
    /// The machine, with its disk found.
    pub fn new(
        config: &'a Config,
        events: &'a dyn Events,
        console: &'a Console,
        disk: OurDisk,
        hotplug: Hotplug,
    ) -> Self {
        let unlocker = Unlocker::new(&config.unlock);
        let inner = Mutex::new(Inner { hotplug, unlocker, data: None, slots: BTreeMap::new() });
        Self { config, events, console, disk, is_live: false, inner }
    }

    /// The machine in the live system, where the `data` volume is mounted already.
    #[must_use]
    pub fn in_live_system(self) -> Self {
        self.inner().data = self.config.data.as_ref().map(|data| PathBuf::from(&data.mount));
        Self { is_live: true, ..self }
    }

    /// The consoles.
    pub fn console(&self) -> &Console {
        self.console
    }

    /// Our disk.
    pub fn disk(&self) -> &OurDisk {
        &self.disk
    }

    fn inner(&self) -> MutexGuard<'_, Inner<'a>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the `data` volume without mounting it. `may_provision` allows to make a blank one where the
    /// configuration does, too.
    pub fn open_data(&self, config: &Data, may_provision: bool) -> Result<DataVolume, Error> {
        let config = Data { provision: config.provision && may_provision, ..config.clone() };
        self.with_keys(|keys, unlocker| Ok(data::open(keys, unlocker, &config)?))
    }

    /// Where the `data` volume is mounted; mounts it first if need be.
    fn data_root(&self) -> Result<PathBuf, Error> {
        if let Some(mounted) = self.inner().data.clone() {
            return Ok(mounted);
        }
        let config = self.config.data.as_ref().ok_or_else(|| Error::Missing {
            what: "a data volume in the configuration".into(),
            advice: "the intent names a file on it; stage the bundle from a medium instead".into(),
        })?;
        let volume = self.open_data(config, false)?;
        self.events.allow(MOUNT_TIME);
        volume.mount(Path::new(DATA_MOUNT), &mut |text| self.events.warning(text))?;
        self.inner().data = Some(DATA_MOUNT.into());
        Ok(DATA_MOUNT.into())
    }

    /// Unmounts and closes the `data` volume, so that a set can have it.
    pub fn close_data(&self) -> Result<(), Error> {
        if let Some(mounted) = self.inner().data.take() {
            mounts::unmount(&mounted)?;
            if self.config.data.as_ref().is_some_and(|data| data.encrypted) {
                mapper::unmap(DATA_MAPPING)?;
            }
        }
        Ok(())
    }

    fn slot_node(&self, class: &SlotClass, name: SlotName) -> Result<PathBuf, Error> {
        let label = name.label(&class.class);
        if !class.encrypted {
            return Ok(self.disk.partition(&label)?.node.clone());
        }
        if let Some(mapped) = self.inner().slots.get(&label) {
            return Ok(mapped.node.clone());
        }
        let mapped = self.with_keys(|keys, unlocker| Ok(data::open_luks(keys, unlocker, &label, &label)?))?;
        let node = mapped.node.clone();
        self.inner().slots.insert(label, mapped);
        Ok(node)
    }

    pub(crate) fn with_keys<T>(
        &self,
        work: impl FnOnce(&mut Surroundings<'_>, &mut Unlocker<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // A new volume needs a key of its own.
        self.events.allow(unlock_time(&self.config.unlock) + random::LIMIT);
        let Inner { hotplug, unlocker, .. } = &mut *self.inner();
        let mut warn = |text: String| self.events.warning(text);
        let mut keys = Surroundings { disk: &self.disk, hotplug, console: self.console, warn: &mut warn };
        work(&mut keys, unlocker)
    }

    /// Offers the file of this name on one medium after the other.
    fn on_medium<T>(&self, path: &str, take: Take<'_, T>) -> Result<T, Error> {
        let wait = Duration::from_secs(u64::from(self.config.recovery.medium_wait_seconds));
        let mut media = Media::new(&self.disk, wait);
        let (mut reasons, mut refused) = (vec![], false);
        loop {
            self.events.allow(wait + MOUNT_TIME);
            let Some(node) = self.next_medium(&mut media)? else { break };
            let why: Error = match OpenFile::on_medium(&node, path) {
                Ok(None) => continue,
                Err(error) => error.into(),
                Ok(Some(medium)) => {
                    match take(Found { bytes: Arc::new(medium), tail: Tail::Nothing, stamp: None }) {
                        Err(error) if error.is_of_bundle() => {
                            refused = true;
                            // Whoever asks in the live system has an answer sooner than another medium.
                            if self.is_live {
                                media.wait_no_longer();
                            }
                            error
                        }
                        taken => return taken,
                    }
                }
            };
            let why = format!("{path} on {}: {why}", node.display());
            self.events.warning(&why);
            reasons.push(why);
        }
        let mut reasons = reasons.join("; ");
        if refused {
            return Err(Error::Refused(format!("{reasons}; no other medium has one that can be used")));
        }
        if !reasons.is_empty() {
            reasons = format!(" ({reasons})");
        }
        Err(Error::TimedOut {
            waiting_for: format!("a removable medium with the file {path}{reasons}"),
            seconds: wait.as_secs(),
        })
    }

    fn next_medium(&self, media: &mut Media) -> Result<Option<PathBuf>, Error> {
        let mut warn = |text: String| self.events.warning(text);
        Ok(media.next(&mut self.inner().hotplug, &mut warn)?)
    }

    /// Maps an image in a slot through dm-verity. Nothing is proven until it is read.
    pub fn map_verity(
        &self,
        name: &str,
        class: &SlotClass,
        slot: SlotName,
        image: &Image,
    ) -> Result<Mapped, Error> {
        let node = self.slot_node(class, slot)?;
        let root_hash = image.root_hash.to_string();
        let salt = image.salt.table_form();
        let verity = Verity { device: &node, size: image.size, root_hash: &root_hash, salt: &salt };
        Ok(mapper::map_verity(name, &verity)?)
    }
}

impl Machine for Hardware<'_> {
    fn config(&self) -> &Config {
        self.config
    }

    fn events(&self) -> &dyn Events {
        self.events
    }

    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn lock(&self) -> Result<Lock, Error> {
        Ok(Box::new(StateLock::take(Path::new(lock::PATH), &lock::this_process(), lock::WAIT)?))
    }

    fn bootloader(&self) -> Result<Box<dyn Bootloader>, Error> {
        open_bootloader(self)
    }

    fn partition(&self, label: &str) -> Result<Device, Error> {
        open_for_work(&self.disk.partition(label)?.node)
    }

    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error> {
        open_for_work(&self.slot_node(class, name)?)
    }

    fn source<T>(&self, source: &Source, take: Take<'_, T>) -> Result<T, Error> {
        match source {
            Source::Data { path } => {
                let missing = |error: Error| Error::Missing {
                    what: format!("the bundle on the data volume ({error})"),
                    advice: "stage it again".into(),
                };
                let file = open_file(&self.data_root()?, Path::new(path));
                let file =
                    file.map_err(|error| if error.is_absence() { missing(error) } else { error.into() })?;
                let stamp = file.metadata().ok().map(|found| stamp(&found));
                take(Found { bytes: Arc::new(OpenFile { file, _mounted: None }), tail: Tail::Nothing, stamp })
            }
            Source::Medium(medium) => self.on_medium(&medium.path, take),
            Source::Partition { label } => {
                let node = &self.disk.partition(label)?.node;
                let open = File::open(node).and_then(|file| files::secure(&file).map(|()| file));
                let open = open.map_err(Error::system("opening", node.display(), "check the disk"))?;
                take(Found {
                    bytes: Arc::new(OpenFile { file: open, _mounted: None }),
                    tail: Tail::Anything,
                    stamp: None,
                })
            }
            Source::Unknown(_) => {
                Err(Error::Refused("only a later drydock knows where this bundle is".into()))
            }
        }
    }

    fn prove(&self, class: &SlotClass, slot: SlotName, image: &Image) -> Result<(), Error> {
        let label = slot.label(&class.class);
        let name = proof_mapping(&label);
        let mapped = self.map_verity(&name, class, slot, image)?;
        let proven =
            DiskDevice::open(&mapped.node, Access::ReadOnly).map_err(Error::from).and_then(|device| {
                let is_corrupted = || mapper::is_corrupted(&name).unwrap_or(false);
                prove::by_verity(&device, &label, self.threads(), self.events, is_corrupted)
            });
        let unmapped = mapper::unmap(&name);
        proven?;
        Ok(unmapped?)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn threads(&self) -> usize {
        // One more than there are processors: while one worker waits for the disk, another one computes.
        let processors = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
        processors.and_then(|n| usize::try_from(n).ok()).unwrap_or(1) + 1
    }
}

/// Opens a device for reading and writing, or only for reading where the disk takes no writes any more: a set can
/// still be started from it.
fn open_for_work(node: &Path) -> Result<Device, Error> {
    Ok(Arc::new(DiskDevice::open_if_only_to_read(node, Access::ReadWrite)?))
}

/// What changes whenever a file's bytes do, and is the same in recovery and in the live system.
fn stamp(file: &Metadata) -> String {
    let (changed, nanoseconds) = (file.ctime(), file.ctime_nsec());
    format!("{}:{}:{changed}.{nanoseconds:09}", file.ino(), file.size())
}

/// Opens a file that others have written, and sees to it that it is on stable storage.
fn open_file(root: &Path, path: &Path) -> Result<File, Error> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let file = open_inside(root, inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    files::secure(&file).map_err(Error::doing(format_args!("flush {}", path.display())))?;
    Ok(file)
}

/// A file, or a partition, whose bytes are read at random. A removable medium that it is on stays mounted as long.
struct OpenFile {
    file: File,
    _mounted: Option<MountedMedium>,
}

impl OpenFile {
    /// Opens the file of this name on a removable medium, if the device has one.
    fn on_medium(node: &Path, path: &str) -> Result<Option<Self>, Error> {
        let mounted = match MountedMedium::mount(node, Path::new(MEDIUM_MOUNT)) {
            // A drive with nothing in it.
            Err(error) if error.is(nix::libc::ENOMEDIUM) => return Ok(None),
            mounted => mounted?,
        };
        match open_file(mounted.path(), Path::new(path)) {
            Ok(file) => Ok(Some(Self { file, _mounted: Some(mounted) })),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The length of a partition is found by seeking to its end: nothing else relies on the position of this file.
impl ReadAt for OpenFile {
    fn len(&self) -> io::Result<u64> {
        let metadata = self.file.metadata()?;
        match metadata.file_type() {
            kind if kind.is_file() => Ok(metadata.len()),
            // Its end would be wherever the filesystem likes.
            kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            _ => io::Seek::seek(&mut &self.file, io::SeekFrom::End(0)),
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }
}
