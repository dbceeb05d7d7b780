//! What the disk tool has to know of a bootloader: its partitions, what it can read, how it is installed, and where it is
//! told. Each one is in a file of its own.

mod efi_boot_guard;
mod grub;
mod none;
mod seam;
mod u_boot;

use drydock_config::{Bootloader as Named, Config};
pub(super) use seam::{Loader, Site};

/// The one that the configuration names.
pub(super) fn of(config: &Config) -> &'static dyn Loader {
    match config.layout.bootloader {
        Named::GrubBios => &grub::Grub(grub::Firmware::Bios),
        Named::GrubEfi => &grub::Grub(grub::Firmware::Efi),
        Named::UBoot => &u_boot::UBoot,
        Named::EfiBootGuard => &efi_boot_guard::EfiBootGuard,
        Named::None => &none::None,
    }
}
