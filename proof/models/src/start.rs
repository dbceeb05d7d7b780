//! What a bootloader can start, whichever it is.

use drydock_state::{CopyName, SetName};

/// A partition with a kernel and an initramfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// The boot slot of a set.
    Set(SetName),
    /// A copy of the recovery.
    Recovery(CopyName),
}

/// Why recovery was started, as in `drydock.reason=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The environment says that it has a job.
    Intent,
    /// The environment is damaged, or no set may be started any more.
    Fallback,
}

/// What the bootloader has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// A set: `drydock.set=`.
    Set(SetName),
    /// Recovery: `drydock.recovery drydock.copy= drydock.reason=`.
    Recovery {
        /// Which of its two copies.
        copy: CopyName,
        /// Why.
        reason: Reason,
    },
}
