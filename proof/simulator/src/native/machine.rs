//! A machine whose partitions are files in a folder. It has no volumes and starts nothing.

use drydock_block::{
    AlignedBuffer, BlockDevice, Flush, SectorSize, check_range, is_zero, read_through, write_through,
};
use drydock_config::{Config, SlotClass};
use drydock_engine::Error;
use drydock_engine::context::RunningSet;
use drydock_engine::event::{Events, Silent};
use drydock_engine::fetch::holes::{CLAIM_SUFFIX, Claim, WithHoles};
use drydock_engine::files::Files;
use drydock_engine::machine::{
    Candidate, Clock, Device, Disk, Found, Home, Hooks, KeyProvider, Keys, Lock, Mode, NotMounted,
    NotMountedFor, Only, Operator, Place, Power, Provider, Random, Ring, Sensors, Service, Setting, Sources,
    Start, Volumes, open_bootloader,
};
use drydock_engine::update::prove;
use drydock_files::FileBytes;
use drydock_format::{Image, ReadAt, Tail};
use drydock_luks::{Cost, FormatOptions, Limits, Unlocked};
use drydock_recovery::pid1::lock::{self, StateLock};
use drydock_state::{Bootloader, SetName, SlotName, Source, UnixTime};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

/// What is done with zeros that are to be written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// They are written.
    Written,
    /// They are left out: the file is new, and its holes read as zeros.
    AreHoles,
}

fn not_here<T>(what: &str) -> Result<T, Error> {
    Err(Error::Refused(format!("a machine of files has no {what}")))
}

/// Files in a folder.
pub(super) struct NativeMachine {
    pub(super) folder: PathBuf,
    pub(super) config: Config,
    pub(super) threads: usize,
    pub(super) zeros: Zeros,
    pub(super) ring: Mutex<Ring>,
}

impl NativeMachine {
    fn open(&self, label: &str) -> Result<Device, Error> {
        let path = self.folder.join(label);
        let device = DirectFile::open(&path, self.zeros);
        Ok(Arc::new(device.map_err(Error::system("opening", path.display(), "make it first"))?))
    }
}

impl Hooks for NativeMachine {}

impl Sensors for NativeMachine {}

impl Setting for NativeMachine {
    fn config(&self) -> &Config {
        &self.config
    }
    fn events(&self) -> &dyn Events {
        &Silent
    }
    fn threads(&self) -> usize {
        self.threads
    }
}

impl Clock for NativeMachine {
    fn now(&self) -> UnixTime {
        UnixTime(0)
    }
    fn pause(&self, time: Duration) -> Power {
        std::thread::sleep(time);
        Power::On
    }
}

impl Disk for NativeMachine {
    fn lock(&self) -> Result<Lock, Error> {
        Ok(Box::new(StateLock::take(&self.folder.join("lock"), &lock::this_process(), lock::WAIT)?))
    }
    fn bootloader(&self) -> Result<Box<dyn Bootloader>, Error> {
        open_bootloader(self)
    }
    fn partition(&self, label: &str) -> Result<Device, Error> {
        self.open(label)
    }
    fn whole(&self) -> Result<Device, Error> {
        Err(Error::doing("open the disk, which is a folder here")(io::ErrorKind::Unsupported.into()))
    }

    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error> {
        self.open(&name.label(class.partition()))
    }
    fn base(&self, class: &SlotClass, name: SlotName, _image: &Image) -> Result<Device, Error> {
        self.slot(class, name)
    }
    fn release_bases(&self) {}
    fn read_back(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<(), Error> {
        prove::by_reading(
            &self.slot(class, name)?,
            image,
            &name.label(class.partition()),
            self.threads(),
            &Silent,
        )
    }
}

impl Sources for NativeMachine {
    fn provider(&self, source: &Source) -> Result<Box<dyn Provider + '_>, Error> {
        let Source::Data { path: name } = source else { return not_here("media") };
        let found = self.bundle(&self.folder.join(name)).map(|bytes| Found {
            bytes,
            tail: Tail::Nothing,
            stamp: None,
        });
        Ok(Box::new(Only::new(Candidate { name: name.clone(), found }, Duration::ZERO)))
    }
}

impl NativeMachine {
    /// Opens a bundle, with holes if there is a claim beside it.
    fn bundle(&self, path: &Path) -> Result<Arc<dyn ReadAt>, Error> {
        let file = File::open(path).map_err(Error::system("opening", path.display(), "make it first"))?;
        let claim = format!("{}{CLAIM_SUFFIX}", path.display());
        match std::fs::read(&claim) {
            Ok(claim) => Ok(Arc::new(WithHoles::new(FileBytes(file), &Claim::decode(&claim)?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Arc::new(FileBytes(file))),
            Err(error) => Err(Error::system("reading", claim, "see what it is")(error)),
        }
    }
}

impl Keys for NativeMachine {
    fn key_providers(&self) -> Vec<Box<dyn KeyProvider + '_>> {
        Vec::new()
    }
    fn ring(&self) -> &Mutex<Ring> {
        &self.ring
    }
    fn limits(&self) -> Result<Limits, Error> {
        not_here("key derivation")
    }
    fn random(&self, _purpose: Random, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Volumes for NativeMachine {
    fn alone(&self, _home: &Home) -> Result<Device, Error> {
        not_here("volumes")
    }
    fn map_crypt(&self, _: &str, _: &str, _: &str, _: &Unlocked) -> Result<(), Error> {
        not_here("volumes")
    }
    fn unmap(&self, _mapping: &str) -> Result<(), Error> {
        not_here("mappings")
    }
    fn is_mounted(&self, _place: Place) -> bool {
        false
    }
    fn mount(&self, _: &Home, _: Place, _: Mode) -> Result<(), NotMounted> {
        not_here("filesystems").map_err(|error| NotMounted { kind: NotMountedFor::Else, error })
    }
    fn grow(&self, _home: &Home, _place: Place) -> Result<(), Error> {
        not_here("filesystems")
    }
    fn unmount(&self, _place: Place) -> Result<(), Error> {
        not_here("filesystems")
    }
    fn files(&self, place: Place) -> Box<dyn Files + '_> {
        unreachable!("nothing is mounted at {place:?}")
    }
    fn pack(&self, _: Place, _: &[String], _: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
        not_here("filesystems")
    }
    fn format_options(&self, _partition: &Device) -> FormatOptions {
        FormatOptions::new(Cost::Pbkdf2 { iterations: 1000 })
    }
    fn make_filesystem(&self, _device: &Device) -> Result<(), Error> {
        not_here("filesystems")
    }
}

impl Operator for NativeMachine {
    fn confirm(&self, _question: &str, _limit: Duration) -> Option<bool> {
        None
    }
    fn line(&self, _prompt: &str, _limit: Duration) -> Result<Zeroizing<Vec<u8>>, Power> {
        Err(Power::Off)
    }
}

impl Service for NativeMachine {}

impl Start for NativeMachine {
    fn map_verity(&self, _: &str, _: &SlotClass, _: SlotName, _: &Image) -> Result<(), Error> {
        not_here("dm-verity")
    }
    fn mount_root(&self, _mapping: &str, _set: SetName) -> Result<(), Error> {
        not_here("root")
    }
    fn unmount_root(&self) {}
    fn mount_temporary(&self) -> Result<(), Error> {
        not_here("root")
    }
    fn takes_machine_id(&self) -> bool {
        false
    }
    fn give_machine_id(&self, _id: &[u8]) -> Result<(), Error> {
        not_here("root")
    }
    fn leave_word(&self, _running: &RunningSet) -> Result<(), Error> {
        not_here("root")
    }
    fn enter(&self, _set: SetName) -> Result<(), Error> {
        not_here("root")
    }
    fn take_panics(&self) -> Vec<String> {
        Vec::new()
    }
    fn peak_memory(&self) -> Option<String> {
        None
    }
}

/// A file that is read and written past the page cache, as a device's partitions are.
struct DirectFile {
    file: File,
    size: u64,
    zeros: Zeros,
}

impl DirectFile {
    fn open(path: &Path, zeros: Zeros) -> io::Result<Self> {
        let file = File::options().read(true).write(true).custom_flags(nix::libc::O_DIRECT).open(path)?;
        Ok(Self { size: file.metadata()?.len(), file, zeros })
    }
}

impl BlockDevice for DirectFile {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        SectorSize::S512
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size(), offset, buf.len() as u64)?;
        let read = |buf: &mut [u8], at| self.file.read_exact_at(buf, at);
        read_through(AlignedBuffer::ALIGNMENT, offset, buf, read)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size(), offset, buf.len() as u64)?;
        if self.zeros == Zeros::AreHoles && is_zero(buf) {
            return Ok(());
        }
        let write = |buf: &[u8], at| self.file.write_all_at(buf, at);
        write_through(AlignedBuffer::ALIGNMENT, offset, buf, write)
    }
    fn flush(&self, _guard: Flush) -> io::Result<()> {
        self.file.sync_data()
    }
    fn discard(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
