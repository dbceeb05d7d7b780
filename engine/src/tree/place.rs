//! Where on `data` a class's trees are, and which of them the live system sees.
//!
//! In the class's folder there are `a` and `b`, a tree for each set: `files` holds the files, and `holds` names the image that
//! they came from. `current` leads to the files of the set that runs. `a.new` and `b.new` are trees on their way, or on their
//! way out.

use super::selection::failed;
use crate::error::Error;
use crate::machine::{FoundNode, NodeKind, Trees};
use drydock_block::Flush;
use drydock_format::Digest;
use drydock_state::SetName;
use drydock_tree::Meta;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folder of all trees, within `data`.
pub const FOLDER: &str = "lib/drydock/trees";
/// Begins what names the image of a tree.
const HOLDS: &str = "drydock-tree/1 ";

/// The trees of one class.
pub(super) struct Places<'t> {
    pub(super) trees: &'t dyn Trees,
    /// The class's name.
    pub(super) class: &'t str,
    /// Its folder.
    pub(super) folder: &'t Path,
}

impl Places<'_> {
    /// The class's folder.
    pub(super) fn folder(&self) -> PathBuf {
        self.folder.to_owned()
    }

    /// The tree of a set.
    pub(super) fn of(&self, set: SetName) -> PathBuf {
        self.folder().join(set.to_string())
    }

    /// The files of a set's tree.
    pub(super) fn files(&self, set: SetName) -> PathBuf {
        self.of(set).join("files")
    }

    /// The tree of a set on its way.
    pub(super) fn on_its_way(&self, set: SetName) -> PathBuf {
        self.folder().join(format!("{set}.new"))
    }

    /// What leads to the files of the set that runs.
    pub(super) fn current(&self) -> PathBuf {
        self.folder().join("current")
    }

    /// Makes the class's folder, and those above it.
    pub(super) fn make_folders(&self) -> Result<(), Error> {
        let folder = self.folder();
        let mut all: Vec<&Path> = folder.ancestors().filter(|path| *path != Path::new("")).collect();
        all.reverse();
        for path in all {
            self.make_folder(path).map_err(failed("making", self.class, path))?;
        }
        Ok(())
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        if self.trees.look(path)?.is_some() {
            return Ok(());
        }
        self.trees.make(path, &NodeKind::Folder)?;
        self.trees.set(path, &Meta { mode: 0o755, ..Meta::default() })
    }

    /// Whether a set's tree is whole, and came from the image with this root hash: it has its name only since it is.
    pub(super) fn holds(&self, set: SetName, root_hash: &Digest) -> Result<bool, Error> {
        let path = self.of(set).join("holds");
        let found = self.trees.look(&path).map_err(failed("looking at", self.class, &path))?;
        if !matches!(found, Some(FoundNode { kind: NodeKind::File(_), .. })) {
            return Ok(false);
        }
        let mut text = String::new();
        let read = self.trees.open(&path).and_then(|file| file.take(256).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(text == holds(root_hash)),
            // What is no text names no image.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
            Err(error) => Err(failed("reading", self.class, &path)(error)),
        }
    }

    /// Whether there are files of a set, whatever they are.
    pub(super) fn has(&self, set: SetName) -> Result<bool, Error> {
        let files = self.files(set);
        let found = self.trees.look(&files).map_err(failed("looking at", self.class, &files))?;
        Ok(matches!(found, Some(FoundNode { kind: NodeKind::Folder, .. })))
    }

    /// Gives a new tree its set's name; all of it must be on stable storage. On return the name is, too, and the tree that had
    /// it is gone.
    pub(super) fn put_in_place(&self, set: SetName) -> Result<(), Error> {
        let (new, name) = (self.on_its_way(set), self.of(set));
        let there = self.trees.look(&name).map_err(failed("looking at", self.class, &name))?;
        let named = match there {
            Some(_) => self.trees.exchange(&new, &name),
            None => self.trees.rename(&new, &name),
        };
        named.map_err(failed("naming", self.class, &name))?;
        // Otherwise the old tree might be half gone, and still have the name.
        self.trees.flush(&self.folder(), Flush::TreeNamed).map_err(failed("naming", self.class, &name))?;
        self.remove(&new)
    }

    /// Lets `current` lead to a set's files, at once. Who is cut off from it finds it wrong at the next start, and does so
    /// again: that needs no flush.
    pub(super) fn lead_to(&self, set: SetName) -> Result<(), Error> {
        let (current, beside) = (self.current(), self.folder().join("current.new"));
        let leads = NodeKind::Link(Path::new(&set.to_string()).join("files"));
        let change = || -> io::Result<()> {
            if self.trees.look(&current)?.is_some_and(|found| found.kind == leads) {
                return Ok(());
            }
            if self.trees.look(&beside)?.is_some() {
                self.trees.remove(&beside)?;
            }
            self.trees.make(&beside, &leads)?;
            self.trees.rename(&beside, &current)
        };
        change().map_err(failed("leading to the running set's tree", self.class, &current))
    }

    /// Removes a tree with all that is in it, if it is there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), Error> {
        let failing = |path: &Path| failed("removing", self.class, path);
        // A folder stands before what is in it, and is removed after it.
        let mut left = match self.trees.look(path).map_err(failing(path))? {
            Some(found) => vec![(path.to_owned(), found.kind == NodeKind::Folder)],
            None => return Ok(()),
        };
        while let Some((path, is_full)) = left.pop() {
            if !is_full {
                self.trees.remove(&path).map_err(failing(&path))?;
                continue;
            }
            let names = self.trees.names(&path).map_err(failing(&path))?;
            left.push((path.clone(), false));
            for name in names {
                let inner = path.join(name);
                let found = self.trees.look(&inner).map_err(failing(&inner))?;
                left.push((inner, found.is_some_and(|found| found.kind == NodeKind::Folder)));
            }
        }
        Ok(())
    }
}

/// What a tree says of the image that it came from.
pub(super) fn holds(root_hash: &Digest) -> String {
    format!("{HOLDS}{root_hash}\n")
}
