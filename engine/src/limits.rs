//! How long quiet acts may take: the watchdog waits as long.

use std::time::Duration;

/// A key derivation.
pub const DERIVATION: Duration = Duration::from_secs(120);
/// Mounting: a journal is replayed, a filesystem grown.
pub const MOUNT_TIME: Duration = Duration::from_secs(120);
/// The kernel gathers entropy for a new key.
pub const ENTROPY: Duration = Duration::from_secs(60);
