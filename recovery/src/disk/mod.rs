//! Disks: found, chosen, read past the page cache, and mapped.
//!
//! A thin layer of plain functions over system calls. What can be decided without the machine is decided in [`choice`],
//! which does no I/O.

#[cfg(feature = "service")]
pub mod abandon;
pub mod block;
pub mod choice;
pub mod discover;
pub mod mapper;
pub mod modules;
pub mod uevent;

pub use block::{Access, DiskDevice};
