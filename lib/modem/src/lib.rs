//! Files over a serial line: ZMODEM and YMODEM, as `sz` and `sb` of lrzsz, minicom and Tera Term speak
//! them, as state machines.
//!
//! Nothing here opens a line or looks at a clock: bytes and times come in, bytes to send and pieces of files come out. Nobody
//! vouches for a byte of a line, so each is checked, and what it can cost is bounded: a transfer has one fixed buffer. What is
//! received is given to a [`Take`], in order and only after its check sum was right; what is sent comes from a [`Give`]. A file's
//! name is only ever shown.
//!
//! Sources: Chuck Forsberg, "The ZMODEM Inter Application File Transfer Protocol" (1988) and "XMODEM/YMODEM Protocol
//! Reference" (1988); and what lrzsz 0.12.21 does where these leave it open.

mod check;
mod outbox;
mod parties;
mod receiver;
mod session;
mod watch;
mod ymodem;
mod zmodem;

pub use check::Check;
pub use parties::{Answer, Give, Offer, Stop, Take, there_is};
pub use receiver::Receiver;
pub use session::{Ended, Failed, Session, TICK, Times};
pub use watch::Watch;
pub use zmodem::Sender;

/// The most bytes of a file that come in one piece: a block of 8 KiB, as `sz -8` sends them.
pub const LARGEST_PIECE: usize = 8192;

/// The buffer of a transfer.
pub(crate) type Buffer = Box<[u8; LARGEST_PIECE]>;

/// Returns an empty buffer.
pub(crate) fn buffer() -> Buffer {
    Box::new([0; LARGEST_PIECE])
}
