//! The proof that a cut of power never breaks a device, in two halves.
//!
//! [`simulation`] cuts every operation at every write and flush of a simulated disk. The other half is about what the
//! simulation only models: [`recording`] lets a small system do a [`job`] in QEMU with the real GRUB, kernel and
//! device-mapper, and keeps every write and flush of its disk; [`points`] chooses moments at which the power is cut
//! and what of the writes in flight had arrived; [`boots`] boots each of the disks that this leaves, and [`judge`]
//! looks at them, without asking the guest.

pub mod blklog;
pub mod boots;
pub mod job;
pub mod judge;
pub mod points;
pub mod recording;
pub mod simulation;
