//! The bootloader of a simulated device, seen from outside of drydock: what a workshop lays out for it, what it decides
//! with what it finds on the disk, and what it writes by itself.

mod grub;
mod u_boot;

use drydock_config::Config;
use drydock_engine::machine::Device;
use drydock_models::{Kernel, Start};

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
}

/// What a bootloader has decided.
pub struct Choice {
    /// What runs now; `None`: it finds nothing to start, and tries again from the beginning.
    pub start: Option<Start>,
    /// What it writes first, in this order. It flushes nothing.
    pub writes: Vec<Write>,
}

/// A write of whole sectors that a bootloader makes by itself.
pub struct Write {
    /// The partition's label.
    pub partition: &'static str,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What is written.
    pub bytes: Vec<u8>,
}

/// Finds a partition of the disk by its label.
type Find<'a> = dyn Fn(&str) -> Option<Device> + 'a;

/// What a bootloader's file has to know.
trait Environment: Sync {
    /// Names it in a device's configuration.
    fn configure(&self, config: &mut Config);

    /// The partitions of its own: label, and size in bytes.
    fn partitions(&self) -> &'static [(&'static str, u64)];

    /// Puts on its partitions what a workshop does, before drydock says what it wants.
    fn lay_out(&self, find: &Find<'_>);

    /// Decides. `whole` says of which slots kernel and initramfs are there and have the right checksums. An error is one
    /// of the disk.
    fn choose(&self, find: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String>;
}

impl Loader {
    fn environment(self) -> &'static dyn Environment {
        match self {
            Self::Grub => &grub::Grub,
            Self::UBoot { redundant: false } => &u_boot::UBoot { redundant: false },
            Self::UBoot { redundant: true } => &u_boot::UBoot { redundant: true },
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

    /// Decides, with what is on these partitions. `whole` says of which slots kernel and initramfs are there and have the
    /// right checksums. Writes nothing: that is for who asks. An error is one of the disk.
    pub fn choose(self, find: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String> {
        self.environment().choose(find, whole)
    }
}
