//! Volumes on a block device: making them, and mending what a cut of power has torn.

pub mod ext4;
pub mod provision;
pub mod torn;

use std::time::Duration;

/// How long a key derivation may take without a sign of life.
pub const DERIVATION: Duration = Duration::from_secs(120);
