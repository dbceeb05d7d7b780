//! What the work needs of the machine that it runs on: a few small traits, and [`Machine`], which is all of them.
//!
//! A device implements them with partitions, device-mapper, mounts and consoles; the crash simulator with a disk that
//! loses what was not flushed. The code above is the same.

use crate::context::RunningSet;
use crate::error::Error;
use crate::event::Events;
use crate::files::Files;
use drydock_block::BlockDevice;
use drydock_config::{Config, Role, SlotClass};
use drydock_format::Image;
use drydock_luks::{FormatOptions, Limits, Unlocked};
use drydock_state::efi_boot_guard::{self, EfiBootGuard, Names};
use drydock_state::grub::Grub;
use drydock_state::u_boot::{Place as EnvironmentPlace, UBoot};
use drydock_state::{Bootloader, SetName, SlotName, Source, UnixTime};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

mod hooks;
mod key;
mod network;
mod sensors;
mod service;
mod source;
mod tree;

pub use hooks::{Call, Ended, Hooks, Program};
pub use key::{Accept, Key, KeyProvider, Offered, Ring, Secret, Verdict};
pub use network::{ByHand, Link};
pub use sensors::Sensors;
pub use service::{ConsoleId, HEAD, Heard, MOST_BUNDLES, Paper, Service, Shelf, Shelved};
pub use source::{Candidate, Found, Only, Others, Provider, Tried};
pub use tree::{Found as FoundNode, Kind as NodeKind, Trees};

/// A partition, a mapped volume, or a simulated one.
pub type Device = Arc<dyn BlockDevice>;

/// While it lives, no other process changes the state.
pub type Lock = Box<dyn Send>;

/// What the work is done by, and whom it tells.
pub trait Setting: Sync {
    /// The device's configuration.
    fn config(&self) -> &Config;

    /// Where events go.
    fn events(&self) -> &dyn Events;

    /// How many threads may work at once.
    fn threads(&self) -> usize;
}

/// Whether the machine is still on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It is.
    On,
    /// It was switched off. Real code never sees that; a simulated machine that would wait for ever is switched off.
    Off,
}

/// Time.
pub trait Clock {
    /// Returns the time by the device's clock, which may be wrong.
    fn now(&self) -> UnixTime;

    /// Waits: for another process, a medium, or a person.
    fn pause(&self, time: Duration) -> Power;
}

/// Our disk.
pub trait Disk {
    /// Waits for its turn to change the state, for a bounded time. An error says who is in the way.
    fn lock(&self) -> Result<Lock, Error>;

    /// Returns what the bootloader is told and has counted, as the configuration names it: [`open_bootloader`] where its
    /// store is on a partition.
    fn bootloader(&self) -> Result<Box<dyn Bootloader>, Error>;

    /// Returns the partition of our own disk with the given GPT label, for reading and writing; only for reading where
    /// the disk takes no writes.
    fn partition(&self, label: &str) -> Result<Device, Error>;

    /// Returns our whole disk, for what lies outside of its partitions; only for reading where the disk takes no writes.
    fn whole(&self) -> Result<Device, Error>;

    /// Returns a slot of a set; the inside of it where the class is encrypted.
    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error>;

    /// Returns the image that a slot holds, for reading as the base of a delta. In recovery it is read through dm-verity, so
    /// that a damaged block is an error and not some other bytes; what comes of it is proven in any case.
    fn base(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<Device, Error>;

    /// Takes away what [`base`](Self::base) has set up. Nothing must have it open any more.
    fn release_bases(&self);

    /// Reads the whole image back from the medium through dm-verity (or its equal), and so proves that what is in the
    /// slot has the image's root hash.
    fn read_back(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<(), Error>;
}

/// Where bundles come from.
pub trait Sources {
    /// Returns who provides what an intent's source stands for.
    fn provider(&self, source: &Source) -> Result<Box<dyn Provider + '_>, Error>;
}

/// Keys of encrypted volumes.
pub trait Keys {
    /// Returns the ways to a key, in the configured order.
    fn key_providers(&self) -> Vec<Box<dyn KeyProvider + '_>>;

    /// The keys that have fitted since the machine was started.
    fn ring(&self) -> &Mutex<Ring>;

    /// Returns what a key derivation may cost at this moment.
    fn limits(&self) -> Result<Limits, Error>;

    /// Fills a buffer with random bytes. Those for keys need entropy, and wait for it for a bounded time.
    fn random(&self, purpose: Random, buffer: &mut [u8]) -> io::Result<()>;
}

/// What random bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Random {
    /// Keys: nobody must be able to guess them.
    Keys,
    /// Names: they must be unlike any other. That the kernel has no entropy yet is no reason not to go on.
    Names,
}

/// What a filesystem lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// The partition with this label.
    Partition(String),
    /// What is mapped by this name.
    Mapping(String),
}

/// Where a filesystem is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Its place in the root of the set that is started.
    InNewRoot,
    /// For recovery's own use of `data`, to read a bundle. In the live system it is mounted already.
    Data,
    /// For a moment, to pack or to unpack what a factory reset keeps.
    Volume,
    /// The partition that the trees of a `[[tree]]`, counted from 0, have to themselves: for recovery's own use.
    Trees(usize),
    /// The same, at its place in the root of the set that is started.
    TreesInNewRoot(usize),
}

/// How a filesystem is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For reading and writing.
    Writable,
    /// Only for reading, without replaying a journal.
    ReadOnly,
}

/// Why a filesystem was not mounted.
#[derive(Debug)]
pub struct NotMounted {
    /// What kind of reason it is.
    pub kind: NotMountedFor,
    /// The reason.
    pub error: Error,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMountedFor {
    /// It is not as it should be.
    Damage,
    /// The disk takes no writes.
    NoWrites,
    /// Something else.
    Else,
}

/// Volumes and the filesystems on them.
pub trait Volumes {
    /// Returns a device that nobody else uses now, for reading and writing; only for reading where the disk takes no
    /// writes.
    fn alone(&self, home: &Home) -> Result<Device, Error>;

    /// Maps an unlocked LUKS volume on the partition `label` by this name.
    fn map_crypt(&self, mapping: &str, label: &str, uuid: &str, unlocked: &Unlocked) -> Result<(), Error>;

    /// Takes a mapping away, of whatever kind.
    fn unmap(&self, mapping: &str) -> Result<(), Error>;

    /// Whether something is mounted there.
    fn is_mounted(&self, place: Place) -> bool;

    /// Mounts the ext4 that lies there.
    fn mount(&self, home: &Home, place: Place, mode: Mode) -> Result<(), NotMounted>;

    /// Makes the filesystem that is mounted there as large as what it lies on.
    fn grow(&self, home: &Home, place: Place) -> Result<(), Error>;

    /// Unmounts what is mounted there. On return it is on stable storage.
    fn unmount(&self, place: Place) -> Result<(), Error>;

    /// Returns the filesystem that is mounted there.
    fn files(&self, place: Place) -> Box<dyn Files + '_>;

    /// Returns the trees of files on the filesystem that is mounted there. A machine need not have any.
    fn trees(&self, _place: Place) -> io::Result<Box<dyn Trees + '_>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns the files of the root image in a slot, for reading: through dm-verity, or, where it is not known which image that
    /// is, as they are. What that sets up is taken away by [`release_bases`](Disk::release_bases), once nobody has them open
    /// any more. A machine need not be able to.
    fn image_files(
        &self,
        _class: &SlotClass,
        _name: SlotName,
        _image: Option<&Image>,
    ) -> Result<Box<dyn Trees + '_>, Error> {
        Err(Error::doing("look into a root image")(io::ErrorKind::Unsupported.into()))
    }

    /// Packs files and folders of the filesystem that is mounted there, `limit` bytes at most. See
    /// [`archive`](crate::reset::archive).
    fn pack(&self, place: Place, paths: &[String], limit: u64) -> Result<Zeroizing<Vec<u8>>, Error>;

    /// Returns how a new LUKS volume on this partition shall be.
    fn format_options(&self, partition: &Device) -> FormatOptions;

    /// Puts an empty filesystem on a device that nobody else uses. On return it is on stable storage.
    fn make_filesystem(&self, device: &Device) -> Result<(), Error>;
}

/// Whoever stands before the machine, if anybody does.
pub trait Operator {
    /// Asks a question that is answered by yes or no. `None`: nobody did within `limit`.
    fn confirm(&self, question: &str, limit: Duration) -> Option<bool>;

    /// Waits for a line, for as long as `limit` if none comes. What is typed is not shown: it may be a passphrase that
    /// comes too late.
    fn line(&self, prompt: &str, limit: Duration) -> Result<Zeroizing<Vec<u8>>, Power>;
}

/// Becoming the live system.
pub trait Start {
    /// Maps an image in a slot through dm-verity. Nothing is proven until it is read.
    fn map_verity(
        &self,
        mapping: &str,
        class: &SlotClass,
        slot: SlotName,
        image: &Image,
    ) -> Result<(), Error>;

    /// Mounts what is mapped by this name, read-only, as the new root.
    fn mount_root(&self, mapping: &str, set: SetName) -> Result<(), Error>;

    /// Unmounts the new root, if it is mounted.
    fn unmount_root(&self);

    /// Mounts a temporary filesystem in place of `data` in the new root.
    fn mount_temporary(&self) -> Result<(), Error>;

    /// Shows a folder of the filesystem that is mounted there, named from its root, in place of a folder of the new root, for reading only. A machine need
    /// not be able to.
    fn show(&self, _place: Place, _folder: &Path, _at: &str) -> Result<(), Error> {
        Err(Error::doing("show a folder in the new root")(io::ErrorKind::Unsupported.into()))
    }

    /// Lays a folder of `data`, named from its root, over the new root, for reading only: what it has is seen in place of what the
    /// root has. `data` must be mounted there, and stays so. A machine need not be able to.
    fn lay_over(&self, _folder: &Path) -> Result<(), Error> {
        Err(Error::doing("lay a folder over the new root")(io::ErrorKind::Unsupported.into()))
    }

    /// Whether the new root has a file `/etc/machine-id`.
    fn takes_machine_id(&self) -> bool;

    /// Gives the live system this machine id.
    fn give_machine_id(&self, id: &[u8]) -> Result<(), Error>;

    /// Tells the live system what it is, in `/run/drydock`.
    fn leave_word(&self, running: &RunningSet) -> Result<(), Error>;

    /// Becomes the new root's init. A real machine returns from here only with an error.
    fn enter(&self, set: SetName) -> Result<(), Error>;

    /// Returns why earlier boots ended in a defect of drydock's own, and forgets it.
    fn take_panics(&self) -> Vec<String>;

    /// Returns the most memory that drydock has had so far, as text for a person.
    fn peak_memory(&self) -> Option<String>;
}

/// The machine that drydock works on: all of it.
pub trait Machine:
    Setting + Clock + Disk + Sources + Keys + Volumes + Operator + Start + Hooks + Sensors + Service
{
}

impl<T: Setting + Clock + Disk + Sources + Keys + Volumes + Operator + Start + Hooks + Sensors + Service>
    Machine for T
{
}

/// Opens the store of the bootloader that the configuration names, on the partition that is kept for it.
pub fn open_bootloader(machine: &(impl Setting + Disk)) -> Result<Box<dyn Bootloader>, Error> {
    use drydock_config::Bootloader as Named;
    match machine.config().layout.bootloader {
        // Without one of ours, whoever brings theirs reads and counts in the same environment.
        Named::GrubBios | Named::GrubEfi | Named::None => {
            Ok(Box::new(Grub::open(machine.partition("bootenv")?)?))
        }
        Named::UBoot => {
            let set = &machine.config().u_boot;
            let device = match set.partition.as_str() {
                "" => machine.whole()?,
                label => machine.partition(label)?,
            };
            let place = EnvironmentPlace { offset: set.offset, second: set.second(), size: set.size };
            Ok(Box::new(UBoot::open(device, place)?))
        }
        Named::EfiBootGuard => {
            let partitions = efi_boot_guard::PARTITIONS
                .map(|label| machine.partition(label).map_err(|error| error.to_string()));
            let config = machine.config();
            let boot = config.class_with_role(Role::Boot).map_or("", SlotClass::partition);
            let names = Names { boot: boot.into(), recovery: "recovery".into() };
            let watchdog = config.layout.watchdog_seconds.0.try_into().unwrap_or(u16::MAX);
            Ok(Box::new(EfiBootGuard::open(partitions, names, watchdog)?))
        }
    }
}
