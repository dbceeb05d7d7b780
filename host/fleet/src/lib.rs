//! What an operator does with a fleet: uploads releases to a server, hands them out to devices, and learns what became of
//! them.

mod error;

pub use error::Error;
