//! The machine: disks, modules, mounts, mappings, and what PID 1 owes the kernel.
//!
//! A thin layer of plain functions over system calls. What can be decided without the machine is decided in
//! modules that do no I/O ([`choice`], [`drydock_gpt`]).

pub mod block;
pub mod choice;
pub mod data;
pub mod discover;
mod error;
pub mod ext4;
pub mod files;
pub mod keep;
pub mod lock;
pub mod mapper;
pub mod modules;
pub mod mountinfo;
pub mod mounts;
pub mod pid1;
pub mod place;
pub mod pstore;
pub mod random;
pub mod uevent;
pub mod unlock;
pub mod watchdog;

pub use block::{Access, DiskDevice};
pub use error::{Answer, Error, Result};
