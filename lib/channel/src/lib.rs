//! Channels: a fleet without a server. A small signed document on any web server says which release is meant for which
//! devices, and from when on; each device reads it and decides for itself. `docs/channels.md` is the format's reference.
//!
//! The way in is [`Channel::open`]: nothing of the document is parsed before its signatures hold. What was opened is then
//! compared with what the device has seen before ([`Channel::accept`]), and only what was accepted says which release is
//! meant ([`Accepted::meant`]). What has become of it is a [`Report`].
//!
//! Which bundle may be installed is not decided here: its own signatures, its compatible and the device's floors do that. A
//! channel can only choose among what they allow.
//!
//! Nothing here does I/O or looks at a clock.

mod accept;
mod condition;
mod decide;
mod document;
mod error;
mod fields;
mod limits;
mod open;
mod place;
mod release;
mod report;

pub use accept::{Accepted, Seen, Time};
pub use condition::{Condition, Test};
pub use decide::{Decision, Device, Why};
pub use document::{Document, Format};
pub use error::Error;
pub use limits::{MAX_FILE, MAX_RELEASES, MAX_REPORT, MAX_SIGNATURES, PREFIX};
pub use open::{Channel, Split, add, split};
pub use place::{PLACES, place};
pub use release::{Release, Wave};
pub use report::{Outcome, Report};
