//! The initramfs builder on a made-up kernel, as a library and as a tool.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod cli;
mod efi;
mod fake;
mod kernel_uses;
mod reference;
