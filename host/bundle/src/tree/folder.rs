//! A folder of the build host, as items.

use super::{Contents, Item, Kind, refused};
use crate::Error;
use drydock_tree::{Extra, Meta};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Whose the files are on devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Whose they are on the build host.
    AsTheyAre,
    /// All of them are this user's and this group's.
    All {
        /// The user's number.
        uid: u32,
        /// The group's number.
        gid: u32,
    },
}

/// Returns all that is below a folder. Several names of a file stay names of one file. Extended attributes come along where
/// they say who may do what, belong to the file's owner, or label it.
///
/// # Errors
/// A pipe, a socket or a device is there: they are made by whoever uses them. Something can't be read.
pub fn collect(folder: &Path, owner: Owner) -> Result<Vec<Item>, Error> {
    let (mut items, mut left, mut names) = (Vec::new(), vec![PathBuf::new()], BTreeMap::new());
    while let Some(inner) = left.pop() {
        let full = folder.join(&inner);
        let read = fs::read_dir(&full).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut found = read.map_err(reading(&full))?;
        // In order, so that the first of several names is always the same one.
        found.sort_by_key(fs::DirEntry::file_name);
        for entry in found {
            let path = inner.join(entry.file_name());
            let full = folder.join(&path);
            let metadata = fs::symlink_metadata(&full).map_err(reading(&full))?;
            let kind = if metadata.is_dir() {
                left.push(path.clone());
                Kind::Folder
            } else if metadata.is_symlink() {
                Kind::Link(fs::read_link(&full).map_err(reading(&full))?)
            } else if metadata.is_file() {
                names.entry((metadata.dev(), metadata.ino())).or_insert_with(Vec::new).push(items.len());
                Kind::File(Contents::File(full.clone()))
            } else {
                return Err(refused(&path, "a pipe, a socket or a device can't be in an image"));
            };
            let (uid, gid) = match owner {
                Owner::AsTheyAre => (metadata.uid(), metadata.gid()),
                Owner::All { uid, gid } => (uid, gid),
            };
            let extras = if metadata.is_symlink() { Vec::new() } else { extras(&full)? };
            items.push(Item { path, meta: Meta { mode: metadata.mode() & 0o7777, uid, gid, extras }, kind });
        }
    }
    names.into_values().for_each(|same| same_files(&mut items, same));
    Ok(items)
}

/// Makes items that are the same file names of the one that comes first in the list.
pub(super) fn same_files(items: &mut [Item], mut same: Vec<usize>) {
    same.sort_by(|one, other| items[*one].path.cmp(&items[*other].path));
    let Some((first, others)) = same.split_first() else { return };
    let path = items[*first].path.clone();
    others.iter().for_each(|other| items[*other].kind = Kind::Same(path.clone()));
}

/// Whether devices get an extended attribute: those that say who may do what, belong to the file's owner, or label it.
pub(super) fn is_for_devices(extra: &Extra) -> bool {
    extra.is_owned() || extra.name == b"security.selinux" || extra.name == b"security.ima"
}

/// The extended attributes of a file that devices get.
fn extras(path: &Path) -> Result<Vec<Extra>, Error> {
    let names = match xattr::list(path) {
        // The filesystem has none.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Vec::new()),
        names => names.map_err(reading(path))?,
    };
    let mut extras = Vec::new();
    for name in names {
        let value = xattr::get(path, &name).map_err(reading(path))?.unwrap_or_default();
        let extra = Extra { name: name.as_bytes().to_vec(), value };
        if is_for_devices(&extra) {
            extras.push(extra);
        }
    }
    extras.sort();
    Ok(extras)
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { doing: "reading", path, source }
}
