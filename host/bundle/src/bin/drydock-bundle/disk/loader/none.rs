//! No bootloader: the integrator installs one, which is told where GRUB is, and finds the room that GRUB has.

use super::super::layout::Own;
use super::grub::{Firmware, Grub};
use super::seam::{Loader, Site};
use drydock_block::SectorSize;
use drydock_bundle::Error;
use drydock_state::Bootloader;

pub(super) struct None;

/// Whose environment it is.
const LIKE: Grub = Grub(Firmware::Bios);

impl Loader for None {
    fn partitions(&self) -> Vec<Own> {
        LIKE.partitions()
    }

    fn no_disk(&self, _: SectorSize) -> Option<&'static str> {
        Option::None
    }

    fn no_image(&self, _: &[u8], _: u64) -> Option<String> {
        Option::None
    }

    fn install(&self, site: &Site<'_>) -> Result<(), Error> {
        LIKE.lay_out(site)
    }

    fn open(&self, site: &Site<'_>) -> Result<Box<dyn Bootloader>, Error> {
        LIKE.open(site)
    }
}
