//! Reading a GUID partition table, from any [`BlockDevice`].
//!
//! The `gpt` crate parses header and entries; this one brings it the bytes. It does so table by table, so that
//! the backup serves when the primary header *or* its array of entries is damaged (the crate by itself looks
//! at the header only), it reads headers of more than 92 bytes, and it turns away what the crate would panic on or
//! allocate gigabytes for.

mod error;
mod read;
mod table;

pub use error::Error;
pub use read::read;
pub use table::{Partition, Table, Which};
