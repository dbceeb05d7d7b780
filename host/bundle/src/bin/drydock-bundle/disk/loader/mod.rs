//! What the disk tool has to know of a bootloader: its partitions, what it can read, how it is installed, and where it is
//! told. Each one is in a file of its own.

mod grub;
mod none;
mod u_boot;

use super::canvas::{Disk, Part};
use super::failed::file;
use super::layout::{Kind, Layout};
use drydock_block::{Section, SectorSize};
use drydock_bundle::Error;
use drydock_config::{Bootloader as Named, Config, Mib};
use drydock_state::Bootloader;
use std::path::Path;

/// A disk that is being made.
pub(super) struct Site<'a> {
    pub(super) config: &'a Config,
    pub(super) layout: &'a Layout,
    pub(super) disk: &'a Disk,
    /// The image file, for messages.
    pub(super) path: &'a Path,
    /// Where GRUB's modules are, in a folder for each platform.
    pub(super) grub_modules: &'a Path,
}

impl Site<'_> {
    /// The partition with this label.
    pub(super) fn part(&self, label: &str) -> Result<Part, Error> {
        let part = self.layout.named(label)?;
        Section::new(self.disk.clone(), part.start, part.size).map_err(file("writing", self.path))
    }
}

/// A partition of a bootloader's own.
pub(super) struct Own {
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    pub(super) size: Mib,
}

/// What a bootloader's file has to know.
pub(super) trait Loader {
    /// Its own partitions, which are the disk's first ones.
    fn partitions(&self) -> Vec<Own>;

    /// Why it does not start from disks with such sectors, if it doesn't.
    fn no_disk(&self, sector_size: SectorSize) -> Option<&'static str>;

    /// Why it can't read kernel and initramfs from an image of `size` bytes that begins so, if it can't.
    fn no_image(&self, head: &[u8], size: u64) -> Option<String>;

    /// Puts everything on the disk that starts a device, and an environment that nobody has written to yet.
    fn install(&self, site: &Site<'_>) -> Result<(), Error>;

    /// Opens the environment as a device does.
    fn open(&self, site: &Site<'_>) -> Result<Box<dyn Bootloader>, Error>;
}

/// The one that the configuration names.
pub(super) fn of(config: &Config) -> &'static dyn Loader {
    match config.layout.bootloader {
        Named::GrubBios => &grub::Grub(grub::Firmware::Bios),
        Named::GrubEfi => &grub::Grub(grub::Firmware::Efi),
        Named::UBoot => &u_boot::UBoot,
        Named::None => &none::None,
    }
}
