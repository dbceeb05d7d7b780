//! The vendor's part of a tree, and what is said when something in one fails.

use crate::error::Error;
use drydock_tree::{Choice, List, What};
use std::io;
use std::path::Path;

/// Which of a tree's files are the vendor's: those that both the image and the device's configuration mean.
pub(super) struct Selection<'l> {
    /// The image's list.
    pub(super) list: &'l List,
    /// What the device's configuration means.
    pub(super) device: Choice,
}

impl Selection<'_> {
    /// Whether a path is the vendor's.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.list.choice.has(path) && self.device.has(path)
    }

    /// How many entries of the list are the vendor's, and how many bytes their contents are.
    pub(super) fn amount(&self) -> (usize, u64) {
        let chosen = self.list.entries().iter().filter(|entry| self.has(&entry.path));
        chosen.fold((0, 0), |(count, total), entry| match self.list.file(entry).what {
            What::File { size, .. } => (count + 1, total + size),
            _ => (count + 1, total),
        })
    }
}

/// For `map_err`: what was being done in the tree of a class, and to what.
pub(super) fn failed(
    doing: &'static str,
    class: &str,
    path: &Path,
) -> impl FnOnce(io::Error) -> Error + use<> {
    let doing = format!("{doing} {} in the trees of `{class}`", path.display());
    move |source| Error::System {
        doing,
        source,
        advice: "check that `data` has room, and no link where a folder was",
    }
}
