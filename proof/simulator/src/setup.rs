//! What kinds of disks the proof goes through.

use crate::disk::Discard;
use crate::loader::Loader;
use drydock_block::SectorSize;

/// What kind of disk a device has.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Its name in messages.
    pub name: &'static str,
    /// The sector size.
    pub sector: SectorSize,
    /// Whether the root slots are LUKS containers.
    pub luks: bool,
    /// What it answers to a discard.
    pub discard: Discard,
    /// The size of the root image in blocks of 4096 bytes: more than 128 make a whole frame and a short one.
    pub root_blocks: usize,
    /// What `data` is when the device leaves the workshop.
    pub data: Flashed,
    /// Whether there is a slot class of the role `files`.
    pub files: bool,
    /// What starts it.
    pub loader: Loader,
}

/// What `data` is when a device leaves the workshop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flashed {
    /// A LUKS volume with a simulated filesystem, which has something in it.
    Made,
    /// Blank, and as large as a real filesystem needs it to be: the first boot makes it.
    Blank {
        /// Whether it becomes a LUKS volume.
        encrypted: bool,
        /// What an erased disk reads.
        erased: u8,
    },
}

impl Flashed {
    /// Whether the first boot has to make `data`.
    pub fn is_blank(self) -> bool {
        matches!(self, Self::Blank { .. })
    }

    /// Whether `data` is a LUKS volume, or becomes one.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Made | Self::Blank { encrypted: true, .. })
    }
}

/// The set-ups that the proof goes through.
pub const SETUPS: [Setup; 7] = [
    Setup {
        name: "plain-512",
        sector: SectorSize::S512,
        luks: false,
        discard: Discard::Zeroes,
        root_blocks: 132,
        data: Flashed::Made,
        files: false,
        loader: Loader::Grub,
    },
    Setup {
        name: "plain-4096",
        sector: SectorSize::S4096,
        luks: false,
        discard: Discard::Noise,
        root_blocks: 132,
        data: Flashed::Made,
        files: false,
        loader: Loader::Grub,
    },
    Setup {
        name: "luks-512",
        sector: SectorSize::S512,
        luks: true,
        discard: Discard::Unsupported,
        root_blocks: 28,
        data: Flashed::Made,
        files: false,
        loader: Loader::Grub,
    },
    Setup {
        name: "luks-4096",
        sector: SectorSize::S4096,
        luks: true,
        discard: Discard::Zeroes,
        root_blocks: 60,
        data: Flashed::Made,
        files: false,
        loader: Loader::Grub,
    },
    Setup {
        name: "first-512",
        sector: SectorSize::S512,
        luks: false,
        discard: Discard::Zeroes,
        root_blocks: 8,
        data: Flashed::Blank { encrypted: false, erased: 0 },
        files: false,
        loader: Loader::Grub,
    },
    Setup {
        name: "first-4096",
        sector: SectorSize::S4096,
        luks: false,
        discard: Discard::Unsupported,
        root_blocks: 8,
        data: Flashed::Blank { encrypted: false, erased: 0xff },
        files: false,
        loader: Loader::Grub,
    },
    Setup {
        name: "first-luks-512",
        sector: SectorSize::S512,
        luks: false,
        discard: Discard::Noise,
        root_blocks: 8,
        data: Flashed::Blank { encrypted: true, erased: 0 },
        files: false,
        loader: Loader::Grub,
    },
];

/// A disk with EFI Boot Guard, which gives everything one try.
pub const WITH_EFI_BOOT_GUARD: Setup =
    Setup { name: "efi-boot-guard-512", root_blocks: 8, loader: Loader::EfiBootGuard, ..SETUPS[0] };

/// A disk with slots for trees of files.
pub const WITH_FILES: Setup = Setup { name: "files-512", root_blocks: 8, files: true, ..SETUPS[0] };

/// Disks whose bootloader is U-Boot, with its environment in two copies, and in one.
pub const WITH_U_BOOT: [Setup; 2] = [
    Setup { name: "u-boot-512", root_blocks: 8, loader: Loader::UBoot { redundant: true }, ..SETUPS[0] },
    Setup {
        name: "u-boot-plain-4096",
        root_blocks: 8,
        loader: Loader::UBoot { redundant: false },
        ..SETUPS[1]
    },
];

/// A disk without a bootloader.
pub const WITHOUT_BOOTLOADER: Setup =
    Setup { name: "no-bootloader-512", root_blocks: 8, loader: Loader::None, ..SETUPS[0] };
