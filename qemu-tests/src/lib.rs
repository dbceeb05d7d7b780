//! A QEMU harness: real firmware, real bootloaders and real kernels, started and killed by tests.
//!
//! ```no_run
//! use drydock_qemu_tests::{Disk, Qemu};
//! use std::time::Duration;
//!
//! let mut guest = Qemu::new("update").disk(Disk::file("disk.img").serial("main")).start()?;
//! guest.expect("GRUB", Duration::from_secs(20))?;
//! guest.power_cut();
//! # Ok::<(), drydock_qemu_tests::QemuError>(())
//! ```
//!
//! What a test can rely on:
//! - every wait has a limit, and the error that ends it carries the tail of the serial log;
//! - a guest ends with its [`Guest`], also when the test panics, and with the test's process, also when that
//!   is killed;
//! - the serial port is always read, so that a full FIFO never stops a guest, unless the test asks for a
//!   slow reader;
//! - no more guests run at a time than the machine has cores, over all processes of this user;
//! - a log is kept under `target/qemu-logs` when something went wrong, and removed when nothing did.

mod accel;
pub mod demo;
mod disk;
mod efi_variables;
mod error;
mod foreign;
mod guest;
mod host_tool;
mod kernel;
mod line;
mod marker;
mod menu;
mod paths;
mod qemu;
mod qmp;
mod script;
mod serial;
mod server;
mod slots;
mod small;
mod tools;
mod u_boot;
mod unified;
mod workshop;

pub use disk::{Bus, Disk};
pub use efi_variables::{BootEntry, EfiVariables};
pub use error::QemuError;
pub use foreign::foreign_config;
pub use guest::{Exit, Guest};
pub use host_tool::{drydock_bundle, drydock_fleet};
pub use kernel::DebianKernel;
pub use line::{Lent, Line};
pub use marker::{boot_sector, marker_efi, marker_kernel};
pub use paths::{repository, run, target_dir};
pub use qemu::{Firmware, Qemu, Serial};
pub use script::Script;
pub use server::{Behind, Served, Server};
pub use small::{Extra, SmallRelease, SmallSystem, small_config};
pub use tools::{ARCHITECTURE, Tools};
pub use u_boot::UBoot;
pub use workshop::Recipe;
