//! Makes bundles: the other direction of [`drydock_format`], and the keys that sign them.

pub mod create;
mod error;
pub mod fat;
pub mod keys;
pub mod ordered;
mod output;
mod pem;
mod slim;

pub use error::Error;
pub use slim::{Slimmed, slim};
