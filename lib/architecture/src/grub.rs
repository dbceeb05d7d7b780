use crate::Architecture;

/// One of the platforms that GRUB is built for, as Debian packages them: firmware and processor in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrubPlatform {
    /// GRUB's name, which is also that of the folder with its modules, below `/usr/lib/grub`.
    pub name: &'static str,
    /// Debian's package that has this folder.
    pub package: &'static str,
}

impl Architecture {
    /// Returns GRUB's platform for PC BIOS firmware, where there is such firmware.
    pub const fn grub_bios(self) -> Option<GrubPlatform> {
        match self {
            Self::X86_64 => Some(GrubPlatform { name: "i386-pc", package: "grub-pc-bin" }),
            Self::Aarch64 => None,
        }
    }

    /// Returns GRUB's platform for EFI firmware.
    pub const fn grub_efi(self) -> GrubPlatform {
        match self {
            Self::X86_64 => GrubPlatform { name: "x86_64-efi", package: "grub-efi-amd64-bin" },
            Self::Aarch64 => GrubPlatform { name: "arm64-efi", package: "grub-efi-arm64-bin" },
        }
    }
}
