//! What only the build host reads: the initramfs, and the disk image.

use crate::units::{Mib, Seconds};
use crate::words::words;
use drydock_architecture::Architecture;
use drydock_block::SectorSize;
use serde::{Deserialize, Serialize};

/// What the initramfs builder puts into the image.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Initramfs {
    /// Kernel modules by name; their dependencies come along. Loaded at start in this order.
    pub modules: Vec<String>,
    /// Modules that are loaded later, when the kernel asks for a device's driver by its modalias.
    pub modules_by_alias: Vec<String>,
    /// Firmware files, below the firmware folder.
    pub firmware: Vec<String>,
}

/// Partition sizes for `drydock-bundle disk`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// The device's processor.
    pub architecture: Architecture,
    /// Size of the whole disk.
    pub disk_mib: Mib,
    /// Logical sector size: 512 or 4096 bytes.
    #[serde(with = "crate::units::sector_size")]
    pub sector_size: SectorSize,
    /// Which bootloader to install.
    pub bootloader: Bootloader,
    /// Size of each recovery copy.
    pub recovery_mib: Mib,
    /// Size of each slot by class; a class that is not named gets its image's size and a quarter more.
    pub slot_mib: std::collections::BTreeMap<String, Mib>,
    /// Size of `stash`; 0 leaves it out.
    pub stash_mib: Mib,
    /// Size of `factory`, which gets the bundle that the disk is made from; 0 leaves it out.
    pub factory_mib: Mib,
    /// Kernel parameters of every boot entry, consoles for example. GRUB uses the first serial one too.
    pub cmdline: String,
    /// How long ESC at GRUB's console opens its menu.
    pub menu_seconds: Seconds,
    /// The file with the environment that U-Boot begins with, a `name=value` a line.
    pub u_boot_environment: String,
    /// The disk as U-Boot's script names it: interface and number.
    pub u_boot_disk: String,
    /// How long EFI Boot Guard's watchdog waits for process 1; 0: it starts none.
    pub watchdog_seconds: Seconds,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            architecture: Architecture::default(),
            disk_mib: Mib(0),
            sector_size: SectorSize::S512,
            bootloader: Bootloader::GrubBios,
            recovery_mib: Mib(0),
            slot_mib: Default::default(),
            stash_mib: Mib(32),
            factory_mib: Mib(0),
            cmdline: String::new(),
            menu_seconds: Seconds(2),
            u_boot_environment: String::new(),
            u_boot_disk: "mmc 0".into(),
            watchdog_seconds: Seconds(0),
        }
    }
}

impl Layout {
    /// Returns the kernel parameters of every start, before those that say what it is for: drydock's own, then the
    /// configuration's. Debian's kernels never reboot by themselves without `panic`, and with systemd's GPT generator there would
    /// be partitions mounted behind drydock's back.
    pub fn kernel_parameters(&self) -> String {
        format!("panic=10 systemd.gpt_auto=0 {}", self.cmdline).trim_end().to_owned()
    }
}

/// Which bootloader `drydock-bundle disk` installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootloader {
    /// GRUB for BIOS firmware.
    GrubBios,
    /// GRUB for 64-bit EFI firmware.
    GrubEfi,
    /// U-Boot, which the board brings.
    UBoot,
    /// EFI Boot Guard, with unified kernel images.
    EfiBootGuard,
    /// None: the integrator installs one, or process 1 chooses.
    None,
}
words!(Bootloader: GrubBios = "grub-bios", GrubEfi = "grub-efi", UBoot = "u-boot", EfiBootGuard = "efi-boot-guard", None = "none");

impl Bootloader {
    /// Returns what configurations call it.
    pub const fn name(self) -> &'static str {
        self.word()
    }
}
