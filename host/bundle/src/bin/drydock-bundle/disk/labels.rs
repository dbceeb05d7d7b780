//! Labels of the partitions that every disk has.

pub(super) const BIOS: &str = "bios";
pub(super) const ESP: &str = "esp";
pub(super) const BOOTENV: &str = "bootenv";
pub(super) const STATE: &str = "state";
pub(super) const STASH: &str = "stash";
/// The bundle that a factory reset takes the slots back to.
pub(super) const FACTORY: &str = "factory";
pub(super) const RECOVERY: &str = "recovery";
