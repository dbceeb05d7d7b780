//! The way from one image to another: what an update carries for devices whose present image is known.
//!
//! The target is a list of [runs](run): literals, and bytes *like* the base's somewhere, which may differ from them. Where
//! executables moved, [address prediction](address) rewrites what holds addresses before the bytes are compared. What still
//! differs is coded by a [model], or as plain [streams]. A delta is cut into [sections](Index), each of whole groups
//! (512 KiB) and to be decoded by itself: the unit of what is fetched, of resuming, and of what cores do at once.
//!
//! A delta is data, not a promise: each group that it gives is proven by its digest before it is written. What is decoded here
//! is checked as far as is needed to stay within the bounds, and no further.
//!
//! Encoder and decoder share all of it; what only an encoder needs is in the host's tools. `docs/deltas.md` is the format's
//! reference.

pub mod address;
pub mod base;
pub mod coder;
mod decode;
mod error;
mod index;
pub mod limits;
pub mod lzma;
pub mod model;
pub mod packed;
mod plan;
pub mod run;
pub mod spaces;
pub mod streams;
mod target;
pub mod walk;

pub use decode::{ModelCoder, decode};
pub use error::Error;
pub use index::{Coding, Index, Section};
pub use plan::{Chain, Plan};
pub use target::Sink;
