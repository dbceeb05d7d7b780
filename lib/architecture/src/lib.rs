//! A device's processor, and what depends on it.
//!
//! Every standard and every tool has names of its own for the same processor, and what they name differs from one to the
//! next: partition types, GRUB's platforms, Rust's targets, QEMU's machines. They are all in this crate, so that another
//! architecture is a variant and its names here, and nothing elsewhere. A test holds the sources to that.

mod grub;
mod qemu;
mod u_boot;

pub use grub::GrubPlatform;
pub use qemu::{EfiFirmware, Machine, SecureBoot};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The processor of a device. Its text, in configurations too, is the kernel's name (`uname -m`), which is Rust's as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[non_exhaustive]
pub enum Architecture {
    /// AMD's and Intel's with 64 bits.
    #[serde(rename = "x86_64")]
    X86_64,
    /// ARM's with 64 bits, little-endian.
    #[serde(rename = "aarch64")]
    Aarch64,
}

impl Architecture {
    /// The reference device's, which a configuration means that names none.
    pub const REFERENCE: Self = Self::X86_64;

    /// All of them.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// Returns the kernel's and Rust's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// Returns Debian's name, as packages have it.
    pub const fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// Returns Rust's target for device binaries. `tools/build.sh` makes the same of [`Architecture::name`].
    pub const fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Returns the GPT partition type of a root filesystem, in lower case. UAPI Discoverable Partitions Specification,
    /// "root-x86-64" and "root-arm64".
    pub const fn root_partition_type(self) -> &'static str {
        match self {
            Self::X86_64 => "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
            Self::Aarch64 => "b921b045-1df0-41c3-af44-4c6f280d3fae",
        }
    }

    /// Returns whether xz has a filter for its programs that kernels know which have xz at all: "x86". The one for ARM64 came
    /// with Linux 6.12.
    pub const fn xz_filters_programs(self) -> bool {
        matches!(self, Self::X86_64)
    }

    /// Returns where EFI firmware looks for a loader on a disk that it has no boot entry for. UEFI 2.10, section 3.5.1.1.
    pub const fn efi_loader(self) -> &'static str {
        match self {
            Self::X86_64 => "EFI/BOOT/BOOTX64.EFI",
            Self::Aarch64 => "EFI/BOOT/BOOTAA64.EFI",
        }
    }

    /// Returns the number that EFI programs have for it (`Machine`). PE Format, "Machine Types": AMD64 and ARM64.
    pub const fn efi_machine(self) -> u16 {
        match self {
            Self::X86_64 => 0x8664,
            Self::Aarch64 => 0xaa64,
        }
    }

    /// Returns the one with this number in EFI programs.
    pub fn of_efi_machine(machine: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.efi_machine() == machine)
    }

    /// Returns where Debian's package efibootguard has the loader.
    pub const fn efi_boot_guard(self) -> &'static str {
        match self {
            Self::X86_64 => "/usr/lib/x86_64-linux-gnu/efibootguard/efibootguardx64.efi",
            Self::Aarch64 => "/usr/lib/aarch64-linux-gnu/efibootguard/efibootguardaa64.efi",
        }
    }

    /// Returns where it has the stub for unified kernel images.
    pub const fn efi_boot_guard_stub(self) -> &'static str {
        match self {
            Self::X86_64 => "/usr/lib/x86_64-linux-gnu/efibootguard/kernel-stubx64.efi",
            Self::Aarch64 => "/usr/lib/aarch64-linux-gnu/efibootguard/kernel-stubaa64.efi",
        }
    }

    /// Returns the number that ELF files have for it (`e_machine`).
    pub const fn elf_machine(self) -> u16 {
        match self {
            Self::X86_64 => 62,
            Self::Aarch64 => 183,
        }
    }

    /// Returns the one with this number in ELF files.
    pub fn of_elf_machine(machine: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.elf_machine() == machine)
    }
}

impl Default for Architecture {
    fn default() -> Self {
        Self::REFERENCE
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownArchitecture(String);

impl fmt::Display for UnknownArchitecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Architecture::ALL.map(Architecture::name).join(", ");
        write!(f, "no architecture is called `{}`; known are {known}", self.0)
    }
}

impl std::error::Error for UnknownArchitecture {}

impl FromStr for Architecture {
    type Err = UnknownArchitecture;

    /// Reads the kernel's name or Debian's.
    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        let found = Self::ALL.into_iter().find(|one| [one.name(), one.debian()].contains(&text));
        found.ok_or_else(|| UnknownArchitecture(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for one in Architecture::ALL {
            assert_eq!(one.to_string().parse(), Ok(one));
            assert_eq!(one.debian().parse(), Ok(one));
            assert_eq!(Architecture::of_elf_machine(one.elf_machine()), Some(one));
            assert_eq!(Architecture::of_efi_machine(one.efi_machine()), Some(one));
        }
        let unknown = "z80".parse::<Architecture>().unwrap_err().to_string();
        assert_eq!(unknown, "no architecture is called `z80`; known are x86_64, aarch64");
        assert_eq!((Architecture::of_elf_machine(8), Architecture::of_efi_machine(8)), (None, None));
    }
}
