//! Builds the initramfs that a device boots, for recovery and for the live system alike.
//!
//! The initramfs holds the device binary as `/init`, the checked configuration, and the kernel modules and
//! firmware that the configuration asks for, nothing else. It is reproducible: the same inputs give the
//! same bytes. `docs/initramfs.md` tells it from the integrator's side.

mod build;
mod compress;
mod cpio;
pub mod efi;
mod elf;
mod error;
mod kernel;
mod keys;
mod limit;
mod modules;
mod packed;
mod xz;
mod zstd;

pub use build::{Built, Inputs, Sizes, build};
pub use compress::Compression;
pub use cpio::{Listed, Tree, list};
pub use error::Error;
pub use kernel::{Form, Lacking, NEEDS, Need, Severity, When, check_kernel};
pub use modules::{Known, Modules, firmware_of};
pub use zstd::{compress, decompress};
