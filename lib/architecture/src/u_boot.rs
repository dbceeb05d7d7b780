//! U-Boot's names.

use crate::Architecture;

impl Architecture {
    /// Returns the command of U-Boot's that starts a Linux kernel as Debian has it: a bzImage, or an Image.
    pub const fn u_boot_start(self) -> &'static str {
        match self {
            Self::X86_64 => "zboot",
            Self::Aarch64 => "booti",
        }
    }

    /// Returns its number in the headers of U-Boot's images (`IH_ARCH_` in `include/image.h`). Scripts of any are taken.
    pub const fn u_boot_image(self) -> u8 {
        match self {
            Self::X86_64 => 24,
            Self::Aarch64 => 22,
        }
    }
}
