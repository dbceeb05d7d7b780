//! System calls that no crate of ours wraps: the only place in drydock with `unsafe` code.
//!
//! Each function is safe to call with any arguments. It takes open descriptors and plain values, and answers
//! with the kernel's error unchanged; what was being done, and to what, is the caller's to add.
#![allow(unsafe_code)]

mod block;
#[cfg(feature = "files")]
mod clone;
#[cfg(feature = "hooks")]
mod confine;
mod ext4;
#[cfg(feature = "hooks")]
mod gpio;
#[cfg(feature = "service")]
mod health;
mod keys;
#[cfg(all(panic = "abort", target_feature = "crt-static", target_env = "gnu"))]
mod lean;
mod module;
#[cfg(feature = "network")]
mod packet;
#[cfg(feature = "network")]
mod priority;
mod random;
mod signal;
mod terminal;
mod watchdog;
#[cfg(feature = "files")]
mod xattr;

pub use block::{add_partition, discard, flush_buffers, sector_size, size};
#[cfg(feature = "files")]
pub use clone::clone_contents;
#[cfg(feature = "hooks")]
pub use confine::drop_capabilities;
pub use ext4::resize_ext4;
#[cfg(feature = "hooks")]
pub use gpio::gpio_level;
#[cfg(feature = "service")]
pub use health::{mmc_ext_csd, nvme_health, smart_data};
pub use keys::LogonKey;
pub use module::load_module;
#[cfg(feature = "network")]
pub use packet::{FilterStep, packet_socket};
#[cfg(feature = "network")]
pub use priority::{Priority, give_memory_back};
pub use random::{random, random_at_once};
pub use signal::reset_sigpipe;
pub use terminal::unsent;
pub use watchdog::{set_watchdog_timeout, watchdog_identity};
#[cfg(feature = "files")]
pub use xattr::{get_xattr, list_xattrs, remove_xattr, set_xattr};
