//! What each bootloader's file has to know, and what it answers.

use drydock_config::Config;
use drydock_engine::machine::Device;
use drydock_models::{Kernel, Start};
use drydock_state::Bootloader;

/// What a bootloader has decided.
pub struct Choice {
    /// What runs now; `None`: it finds nothing to start, and tries again from the beginning.
    pub start: Option<Start>,
    /// What it writes first, in this order. It flushes nothing.
    pub writes: Vec<Write>,
}

/// A write of whole sectors that a bootloader makes by itself.
pub struct Write {
    /// The partition's label.
    pub partition: &'static str,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What is written.
    pub bytes: Vec<u8>,
}

/// Finds a partition of the disk by its label.
pub type Find<'a> = dyn Fn(&str) -> Option<Device> + 'a;

/// What a bootloader's file has to know.
pub(super) trait Environment: Sync {
    /// Names it in a device's configuration.
    fn configure(&self, config: &mut Config);

    /// The partitions of its own: label, and size in bytes.
    fn partitions(&self) -> &'static [(&'static str, u64)];

    /// Puts on its partitions what a workshop does, before drydock says what it wants.
    fn lay_out(&self, find: &Find<'_>);

    /// Opens what drydock tells it, as a device does.
    fn open(&self, find: &Find<'_>) -> Box<dyn Bootloader>;

    /// Decides. `whole` says of which slots kernel and initramfs are there and have the right checksums. An error is one
    /// of the disk.
    fn choose(&self, find: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String>;
}
