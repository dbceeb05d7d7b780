//! Makes bundles: the other direction of [`drydock_format`], and the keys that sign them.

pub mod create;
mod cut;
mod error;
pub mod fat;
pub mod keys;
mod open_file;
pub mod ordered;
mod output;
pub mod pem;
mod slim;
mod ssh_key;
mod supplement;
pub mod tool;
pub mod tree;

pub use error::Error;
pub use open_file::open_file;
pub use slim::{Slimmed, slim};
pub use supplement::{Extent, Request, Supplemented, supplement};
