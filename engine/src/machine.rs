//! What the work of a recovery needs of the machine that it runs on.
//!
//! A device implements [`Machine`] with partitions, device-mapper and mounts; the crash simulator with a disk
//! that loses what was not flushed. The code between is the same.

use crate::error::Error;
use crate::event::Events;
use drydock_block::BlockDevice;
use drydock_config::{Config, SlotClass};
use drydock_format::{Image, ReadAt, Tail};
use drydock_luks::{FormatOptions, Limits, Unlocked, Volume};
use drydock_state::grub::Grub;
use drydock_state::{Bootloader, SlotName, Source};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A partition, a mapped volume, or a simulated one.
pub type Device = Arc<dyn BlockDevice>;

/// While it lives, no other process changes the state.
pub type Lock = Box<dyn Send>;

/// The bytes that a source stands for.
pub struct Found {
    /// The bytes.
    pub bytes: Arc<dyn ReadAt>,
    /// What may follow the bundle: on a raw partition, anything.
    pub tail: Tail,
    /// What tells these bytes from any that may lie there later: a file's inode, size and times. Nothing where that can't
    /// be told.
    pub stamp: Option<String>,
}

/// What is made of the bytes of a source.
pub type Take<'t, T> = &'t mut dyn FnMut(Found) -> Result<T, Error>;

/// The machine that a recovery works on.
pub trait Machine: Sync {
    /// The device's configuration.
    fn config(&self) -> &Config;

    /// Where events go.
    fn events(&self) -> &dyn Events;

    /// Seconds since 1970 by the device's clock, which may be wrong.
    fn now(&self) -> u64;

    /// Waits for its turn to change the state, for a bounded time. An error says who is in the way.
    fn lock(&self) -> Result<Lock, Error>;

    /// What the bootloader is told and has counted, as the configuration names it: [`open_bootloader`] where its store is on
    /// a partition.
    fn bootloader(&self) -> Result<Box<dyn Bootloader>, Error>;

    /// The partition of our own disk with the given GPT label, for reading and writing.
    fn partition(&self, label: &str) -> Result<Device, Error>;

    /// A slot of a set, or one with a copy of the recovery; the inside of it where the class is encrypted.
    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error>;

    /// Offers the bytes that an intent's source stands for, and gives what is made of them. What is offered
    /// is on stable storage.
    ///
    /// A file on a removable medium may be on several of them: where it can't be used ([`Error::is_of_bundle`]) that
    /// is told, and the next one is offered, for as long as the configuration says.
    fn source<T>(&self, source: &Source, take: Take<'_, T>) -> Result<T, Error>;

    /// Reads the whole image back from the medium through dm-verity (or its equal), and so proves that what
    /// is in the slot has the image's root hash.
    fn prove(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<(), Error>;

    /// Waits, so that another process can come to an end with what it does.
    fn pause(&self, time: Duration);

    /// How many threads may work at once.
    fn threads(&self) -> usize;
}

/// Opens the store of the bootloader that the configuration names, on the partition that is kept for it.
pub fn open_bootloader(machine: &impl Machine) -> Result<Box<dyn Bootloader>, Error> {
    use drydock_config::Bootloader as Named;
    match machine.config().layout.bootloader {
        // Without one of ours, whoever brings theirs reads and counts in the same environment.
        Named::GrubBios | Named::GrubEfi | Named::None => {
            Ok(Box::new(Grub::open(machine.partition("bootenv")?)?))
        }
    }
}

/// Volumes with keys and filesystems: what a factory reset and a wipe need beside the disk.
pub trait Volumes: Machine {
    /// What a key derivation may cost at this moment.
    fn limits(&self) -> Result<Limits, Error>;

    /// Opens a LUKS volume by the configured ways, in their order. `label` names it to whoever is asked.
    fn unlock(&self, label: &str, volume: &Volume<'_>) -> Result<Unlocked, Error>;

    /// The key that a new volume shall open with.
    fn key_for_new(&self, label: &str) -> Result<Zeroizing<Vec<u8>>, Error>;

    /// How a new LUKS volume on this partition shall be.
    fn format_options(&self, partition: &Device) -> FormatOptions;

    /// Fills a buffer with random bytes that are fit for keys.
    fn random(&self, buffer: &mut [u8]) -> io::Result<()>;

    /// Packs files and folders of the filesystem in the volume on partition `label`, `limit` bytes at most. See
    /// [`archive`](crate::reset::archive). The volume is closed again on return.
    fn pack(
        &self,
        label: &str,
        volume: &Unlocked,
        paths: &[String],
        limit: u64,
    ) -> Result<Zeroizing<Vec<u8>>, Error>;

    /// Makes an empty filesystem on the partition `label`, inside of its volume where there is one, as large as it can
    /// be, and unpacks what [`pack`](Self::pack) gave. On return all of it is on stable storage, and the volume closed.
    fn make_filesystem(
        &self,
        label: &str,
        volume: Option<&Unlocked>,
        packed: Option<&[u8]>,
    ) -> Result<(), Error>;
}
