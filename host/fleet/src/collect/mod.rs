//! The receiver of reports: a small HTTP server that appends to a file of SQLite, for a lab or a site.

mod rate;
mod request;
mod serve;
mod store;
mod writer;

pub use serve::{Server, Settings};
pub use store::{Count, Newest, Store};
