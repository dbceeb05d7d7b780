//! Trees of files: what an image for a slot of the role `files` says of them, and which of them an update is about.
//!
//! Such an image is a tar archive, so that people can look into it, but a device does not read it as one: its first member is a
//! [`List`] of all files with their metadata, their digests and where in the image their contents lie. The list is as signed
//! as every other byte of the image. `docs/files.md` describes both.
//!
//! A [`Pattern`] stands for files by their names, and a [`Choice`] says which ones are the vendor's.

mod error;
mod escape;
mod limits;
mod line;
mod list;
mod pattern;

pub use error::Error;
pub use limits::LIST;
pub use line::{Entry, Extra, Meta, What};
pub use list::{HEAD, LIST_AT, List, length};
pub use pattern::{Choice, Pattern};
