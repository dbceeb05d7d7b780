//! What the format fixes: how a document begins, and how large things may be.

use drydock_format::signature;

/// The bytes that every channel begins with, so that a signature made for something else never fits one.
pub const PREFIX: &str = r#"{"drydock":"channel/1""#;

/// The longest file in bytes.
pub const MAX_FILE: usize = 64 << 10;

/// The longest signatures of a file in bytes.
pub const MAX_SIGNATURES: usize = signature::MEMBER_SIZE;

/// The most releases of a channel.
pub const MAX_RELEASES: usize = 64;

/// The most conditions of a release.
pub(crate) const MAX_CONDITIONS: usize = 32;

/// The most values of a condition.
pub(crate) const MAX_VALUES: usize = 256;

/// The most waves of a release.
pub(crate) const MAX_WAVES: usize = 32;

/// The longest address in bytes.
pub(crate) const MAX_URL: usize = 2000;

/// The longest name of an attribute, and the longest value, in bytes.
pub(crate) const MAX_TEXT: usize = 128;

/// The longest report in bytes.
pub const MAX_REPORT: usize = 32 << 10;

/// The longest reason of a report in bytes.
pub(crate) const MAX_REASON: usize = 512;

/// The longest id of a report, or of a device, in bytes.
pub(crate) const MAX_ID: usize = 128;

/// The most attributes of a report.
pub(crate) const MAX_ATTRIBUTES: usize = 32;

/// The largest number that every reader of JSON keeps as it is (RFC 8259, 6).
pub(crate) const MAX_NUMBER: u64 = (1 << 53) - 1;
