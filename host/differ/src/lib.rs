//! Finds the way from one image to another.
//!
//! [`make`] compares two images, file by file where they hold a filesystem that can be read ([`drydock_trees`]) and by content
//! where not, and gives a delta as `lib/delta` decodes it. The format leaves all freedom to whoever makes a delta: everything
//! here may become better without a device noticing.
//!
//! The same images and options give the same bytes, however many threads work.

mod assemble;
mod content;
mod cut;
mod elf;
mod encode;
mod encoder;
mod error;
mod fill;
mod image;
mod make;
mod matches;
mod near;
mod pairs;
mod parts;
mod soften;
mod stretch;
mod suffix;
mod together;
mod twice;
mod unpack;

pub use error::Error;
pub use make::{Made, Options, make};
