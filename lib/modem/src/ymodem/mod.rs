//! YMODEM: blocks with check sums, each of which is waited for. It knows no going on where a transfer was cut.

mod receive;

pub(crate) use receive::Receive;
