//! Holds the house together: its documents are true, and its rooms keep to themselves.
//!
//! - [`links`] finds links that lead nowhere.
//! - [`picture`] draws the pictures of `docs/pictures/` from the text beside them.
//! - [`reference`] reads what `docs/reference.md` says of commands and options.
//! - [`rooms`] holds each crate to what it may use.
//! - [`schema`] holds a program's JSON against `docs/schema/`.

pub mod links;
pub mod picture;
pub mod reference;
pub mod rooms;
pub mod schema;

use std::path::{Path, PathBuf};

/// Returns the root of the repository.
pub fn repository() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).to_owned()
}
