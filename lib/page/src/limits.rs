//! What is taken from a client at most.

use core::time::Duration;

/// The longest head of a request, in bytes.
pub const MAX_HEAD: usize = 8 << 10;

/// The most header fields in a request. A browser sends about twenty.
pub(crate) const MAX_FIELDS: usize = 48;

/// The longest body of any request but an upload, in bytes: an answer by `ssh-keygen` has about 300.
pub const MAX_BODY: u64 = 4 << 10;

/// For how long somebody who has answered may do what the answer was for. An upload that has begun may last longer.
pub const ADMITTED_FOR: Duration = Duration::from_secs(10 * 60);

/// How many are let in at once, at most.
pub(crate) const MAX_ADMITTED: usize = 8;

/// The longest version of a release that is asked for, in bytes.
pub(crate) const MAX_VERSION: usize = 64;
