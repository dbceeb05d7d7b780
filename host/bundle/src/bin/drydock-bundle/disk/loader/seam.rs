//! What each bootloader's file has to know, and what it is given.

use super::super::canvas::{Disk, Part};
use super::super::failed::file;
use super::super::layout::{Layout, Own};
use drydock_block::{Section, SectorSize};
use drydock_bundle::Error;
use drydock_config::Config;
use drydock_state::Bootloader;
use std::path::Path;

/// A disk that is being made.
pub(crate) struct Site<'a> {
    pub(crate) config: &'a Config,
    pub(crate) layout: &'a Layout,
    pub(crate) disk: &'a Disk,
    /// The image file, for messages.
    pub(crate) path: &'a Path,
    /// Where GRUB's modules are, in a folder for each platform.
    pub(crate) grub_modules: &'a Path,
}

impl Site<'_> {
    /// The partition with this label.
    pub(crate) fn part(&self, label: &str) -> Result<Part, Error> {
        let part = self.layout.named(label)?;
        Section::new(self.disk.clone(), part.start, part.size).map_err(file("writing", self.path))
    }
}

/// What a bootloader's file has to know.
pub(crate) trait Loader {
    /// Its own partitions, which are the disk's first ones.
    fn partitions(&self) -> Vec<Own>;

    /// Why it does not start from disks with such sectors, if it doesn't.
    fn no_disk(&self, sector_size: SectorSize) -> Option<&'static str>;

    /// Why it can't read kernel and initramfs from an image of `size` bytes that begins so, if it can't.
    fn no_image(&self, head: &[u8], size: u64) -> Option<String>;

    /// Why it can't start what is in this slot by now, if it can't.
    fn no_slot(&self, _slot: &Part, _label: &str) -> Option<String> {
        None
    }

    /// Puts everything on the disk that starts a device, and an environment that nobody has written to yet.
    fn install(&self, site: &Site<'_>) -> Result<(), Error>;

    /// Opens the environment as a device does.
    fn open(&self, site: &Site<'_>) -> Result<Box<dyn Bootloader>, Error>;
}
