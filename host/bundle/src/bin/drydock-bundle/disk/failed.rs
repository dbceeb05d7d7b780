//! What goes wrong while a disk is made.

use drydock_bundle::Error;
use std::path::Path;

/// For `map_err`: a file on the build host failed.
pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { doing, path: path.into(), source }
}

/// For `map_err`: something that was given can't be used.
pub(super) fn input<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Error {
    move |problem| Error::Input { what: what.into(), problem: problem.to_string() }
}
