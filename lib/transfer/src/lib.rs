//! A transfer by ranges over HTTP/1.1, without a network: what is asked for, what the answers mean, and what is done when
//! they are not what they should be.
//!
//! Whoever has a connection asks for [`Ranges`] in [`Ranges::requests`] that servers take, reads the [`Head`] of the answer
//! with [`Head::judge`], and hands the bytes behind it to a [`Body`], which says where in the file they belong. What went
//! wrong is a [`Trouble`], and [`Retries`] say what is done about it. [`Address`] knows which places may be gone to, and
//! [`Floor`] which time it can't be earlier than.
//!
//! HTTP's semantics are those of RFC 9110, in particular its sections 13 (conditional requests) and 14 (ranges).
//!
//! Nothing here does I/O, and nothing that a server says decides how much memory is taken.

mod address;
mod body;
mod date;
mod head;
mod multipart;
mod ranges;
mod retry;
mod trouble;

pub use address::{Address, BadAddress, Identity, MAX_REDIRECTS, Place, Trail};
pub use body::{Body, Piece};
pub use date::{Floor, RetryAfter, http_date};
pub use head::{Asked, Boundary, ContentRange, Etag, Head, Judged, Shape};
pub use multipart::{MAX_PART_HEADERS, Multipart};
pub use ranges::{MAX_HEADER, Ranges};
pub use retry::{Retries, Verdict, Waits};
pub use trouble::Trouble;
