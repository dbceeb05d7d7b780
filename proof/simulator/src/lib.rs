//! A simulated device, and the proof that nothing breaks on it.
//!
//! [`SimDisk`](disk::SimDisk) is a disk with a volatile cache; its log says what a cut of power at any moment could
//! have left ([`cut`]). [`SimMachine`](machine::SimMachine) lets drydock's own recovery run on it, the code that
//! ships; [`SimDevice`](device::SimDevice) is the whole device, with the model of its bootloader's decision before it ([`loader`]) and
//! a live system behind it. [`truth`] knows what must be on the disk, without asking drydock. [`proof`] cuts an
//! operation everywhere and lets every device that is left run to its end.

pub mod application;
pub mod contents;
pub mod cut;
pub mod data;
pub mod device;
pub mod disk;
pub mod fetches;
pub mod files;
pub mod fresh;
mod hooks;
mod images;
pub mod kept;
pub mod loader;
pub mod machine;
pub mod native;
pub mod operations;
pub mod proof;
pub mod schedule;
pub mod script;
pub mod seen;
pub mod server;
pub mod setup;
pub mod trees;
pub mod truth;
pub mod uploads;
pub mod visited;
pub mod volume;
pub mod workshop;
