//! Holds the house together: its documents are true, and its rooms keep to themselves.
//!
//! - [`picture`] draws the pictures of `docs/pictures/` from the text beside them.

pub mod picture;

use std::path::{Path, PathBuf};

/// Returns the root of the repository.
pub fn repository() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).to_owned()
}
