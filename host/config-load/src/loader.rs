//! What must hold for the bootloader that is named, each in one arm.

use crate::problems::Problems;
use drydock_config::{Bootloader, Config};

/// Checks what the bootloader needs. Returns how many MiB its own partitions take.
pub(crate) fn check_loader(config: &Config, problems: &mut Problems) -> u64 {
    let layout = &config.layout;
    match layout.bootloader {
        Bootloader::GrubBios => {
            problems.unless(
                layout.architecture.grub_bios().is_some(),
                "layout.bootloader",
                format!(
                    "there is no GRUB for BIOS firmware on {}: set \"grub-efi\", or \"none\"",
                    layout.architecture
                ),
            );
            1 + 4
        }
        Bootloader::GrubEfi => 64 + 4,
        Bootloader::None => 1 + 4,
    }
}
