//! Whether the vendor's files in a tree are those that its list has: all of them, and no others.

use super::selection::{Selection, failed};
use crate::error::Error;
use crate::event::{Events, Step};
use crate::machine::{FoundNode, NodeKind, Trees};
use crate::update::workers::Progress;
use drydock_format::{Digest, Summing};
use drydock_tree::{Entry, What};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes in one read.
const READ: usize = 256 << 10;
/// The most folders above a file that a walk goes down.
pub(super) const DEPTH: usize = 128;

/// Reads all of the vendor's files in a tree, and compares them with the list: contents, metadata, and that there are no
/// others.
pub(super) fn check(
    trees: &dyn Trees,
    class: &str,
    files: &Path,
    selection: &Selection<'_>,
    events: &dyn Events,
) -> Result<(), Error> {
    let (mut expected, total) = selection.amount();
    let progress = Progress::new(events, Step::Prove, class, total);
    let mut left = vec![PathBuf::new()];
    while let Some(folder) = left.pop() {
        let names = trees.names(&files.join(&folder)).map_err(failed("reading", class, &folder))?;
        for name in names {
            let path = folder.join(name);
            let found = trees.look(&files.join(&path)).map_err(failed("looking at", class, &path))?;
            let Some(found) = found else { continue };
            if found.kind == NodeKind::Folder {
                if path.iter().count() > DEPTH {
                    return wrong(class, &path, "there are too many folders above it");
                }
                left.push(path.clone());
            }
            if !selection.has(&path) {
                continue;
            }
            match selection.list.at(&path) {
                Some(entry) => {
                    check_one(trees, class, files, selection, entry, &found, &progress)?;
                    expected -= 1;
                }
                // A folder stays for what the device keeps in it.
                None if found.kind == NodeKind::Folder => {}
                None => return wrong(class, &path, "it is not in the list"),
            }
        }
    }
    match expected {
        0 => Ok(()),
        _ => wrong(class, Path::new(""), &format!("{expected} files or folders of the list are missing")),
    }
}

fn check_one(
    trees: &dyn Trees,
    class: &str,
    files: &Path,
    selection: &Selection<'_>,
    entry: &Entry,
    found: &FoundNode,
    progress: &Progress<'_>,
) -> Result<(), Error> {
    let file = selection.list.file(entry);
    let same_kind = match (&file.what, &found.kind) {
        (What::Folder, NodeKind::Folder) => true,
        (What::File { size, .. }, NodeKind::File(found)) => size == found,
        (What::Link { target }, NodeKind::Link(found)) => target == found,
        _ => false,
    };
    if !same_kind {
        return wrong(class, &entry.path, "it is of another kind or length, or leads elsewhere");
    }
    if !found.meta.is_as(&file.meta) {
        return wrong(class, &entry.path, "its owner, permissions or extended attributes differ");
    }
    if let What::File { size, sha256, .. } = &file.what {
        let digest =
            digest(trees, &files.join(&entry.path)).map_err(failed("reading", class, &entry.path))?;
        if digest != *sha256 {
            return wrong(class, &entry.path, "its contents do not have their signed digest");
        }
        progress.advance(*size);
    }
    Ok(())
}

/// Returns the digest of what a file holds.
pub(super) fn digest(trees: &dyn Trees, path: &Path) -> io::Result<Digest> {
    let mut file = trees.open(path)?;
    let (mut buffer, mut sum) = (vec![0; READ], Summing::default());
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sum.digest()),
            count => sum.add(buffer.get(..count).unwrap_or_default()),
        }
    }
}

fn wrong(class: &str, path: &Path, why: &str) -> Result<(), Error> {
    Err(Error::NotProven {
        what: format!("the tree of `{class}` at {}", path.display()),
        why: why.into(),
        advice: "who writes into it must leave the vendor's files alone; the next update makes it anew",
    })
}
