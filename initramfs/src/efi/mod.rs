//! EFI programs: unified kernel images, and signatures for Secure Boot.
//!
//! An EFI program is a PE file. [`Pe`](pe::Pe) reads the headers of one, [`uki`] puts a kernel, an initramfs and a command line into
//! one that is a stub, and [`sign`] signs whatever is one. `docs/secure-boot.md` tells it from the integrator's side.

mod authenticode;
mod certificate;
mod command_line;
mod der;
mod pe;
pub mod sign;
mod stub;
pub mod uki;

pub use command_line::{Purpose, command_line};
