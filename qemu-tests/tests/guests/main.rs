//! Everything that boots guests, in one program, so that two of them run at any time. Each test proves a whole path.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_disk;
mod by_hand;
mod consoles;
mod defect;
mod delta;
mod demo;
mod device;
mod efi_boot_guard;
mod efi_boot_guard_device;
mod faults;
mod files;
mod flash;
mod grub;
mod grub_device;
mod hooks;
mod keys;
mod machines;
mod media;
mod no_bootloader;
mod page;
mod recovery;
mod reset;
mod secure_boot;
mod service;
mod small;
mod stay;
mod sticks;
mod technician;
mod u_boot;
mod u_boot_life;
mod watchdog;
mod ways;
mod whole_environments;
mod wipe;
