//! Models of what stands beside drydock on a device: the bootloaders' decisions and dm-crypt. Nothing that ships uses them.

mod crypt_device;
pub mod efi_boot_guard;
pub mod grub;
mod start;
pub mod u_boot;

pub use crypt_device::CryptDevice;
pub use start::{Kernel, Reason, Start};
