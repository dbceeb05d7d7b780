//! The bootloader of a simulated device, seen from outside of drydock: what a workshop lays out for it, what it decides
//! with what it finds on the disk, and what it writes by itself.

mod efi_boot_guard;
mod environment;
mod grub;
mod none;
mod u_boot;

use drydock_config::Config;
use drydock_models::Kernel;
use drydock_state::Bootloader;
use environment::Environment;
pub use environment::{Choice, Find, Write};

/// Which bootloader a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// GRUB, whose environment is one sector.
    Grub,
    /// U-Boot, with its environment in one copy or in two.
    UBoot {
        /// Whether there are two.
        redundant: bool,
    },
    /// EFI Boot Guard, whose environments are two files.
    EfiBootGuard,
    /// None: process 1 chooses.
    None,
}

impl Loader {
    fn environment(self) -> &'static dyn Environment {
        match self {
            Self::Grub => &grub::Grub,
            Self::UBoot { redundant: false } => &u_boot::UBoot { redundant: false },
            Self::UBoot { redundant: true } => &u_boot::UBoot { redundant: true },
            Self::EfiBootGuard => &efi_boot_guard::EfiBootGuard,
            Self::None => &none::None,
        }
    }

    /// Names it in a device's configuration.
    pub fn configure(self, config: &mut Config) {
        self.environment().configure(config);
    }

    /// The partitions of its own: label, and size in bytes.
    pub fn partitions(self) -> &'static [(&'static str, u64)] {
        self.environment().partitions()
    }

    /// Puts on its partitions what a workshop does, before drydock says what it wants.
    pub fn lay_out(self, find: &Find<'_>) {
        self.environment().lay_out(find);
    }

    /// Opens what drydock tells it, as a device does.
    pub fn open(self, find: &Find<'_>) -> Box<dyn Bootloader> {
        self.environment().open(find)
    }

    /// Decides, with what is on these partitions. `whole` says of which slots kernel and initramfs are there and have the
    /// right checksums. Writes nothing: that is for who asks. An error is one of the disk.
    pub fn choose(self, find: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String> {
        self.environment().choose(find, whole)
    }
}
