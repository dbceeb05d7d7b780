//! A new tree: the vendor's files from the image, everything else from the tree of the set that runs.

use super::check::{DEPTH, digest};
use super::place::holds;
use super::selection::Selection;
use super::source::Source;
use crate::error::Error;
use crate::event::{Events, Step};
use crate::machine::{FoundNode, NodeKind, Trees};
use crate::update::workers::Progress;
use drydock_block::Flush;
use drydock_config::Share;
use drydock_format::{Digest, Summing};
use drydock_tree::{Entry, Meta, What};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the disk may take to write all of a tree.
pub(super) const FLUSH_TIME: Duration = Duration::from_secs(300);
/// Bytes in one write of what is copied.
const COPY: u64 = 256 << 10;

/// What a new tree is made from.
pub(super) struct Builder<'b> {
    pub(super) trees: &'b dyn Trees,
    pub(super) source: &'b Source<'b>,
    pub(super) selection: &'b Selection<'b>,
    /// The files of the tree that the others come from, if there is one.
    pub(super) base: Option<&'b Path>,
    pub(super) share: Share,
    pub(super) events: &'b dyn Events,
}

/// A tree that is being made.
struct Growing<'b> {
    with: &'b Builder<'b>,
    /// The folder of its files.
    files: PathBuf,
    /// The folders that were made, in the order of their paths, and what is to be said of them once they are full. A list takes less
    /// code than a tree, and there are not many.
    folders: Vec<(PathBuf, Meta)>,
    /// Of each file with several names the one that was made.
    made: Vec<(&'b Path, PathBuf)>,
    progress: Progress<'b>,
}

impl Builder<'_> {
    /// Makes the tree under this name, where nothing is. On return all of it is on stable storage.
    pub(super) fn build(&self, new: &Path) -> Result<(), Error> {
        let (_, total) = self.selection.amount();
        let class = &self.source.image.class;
        let mut tree = Growing {
            with: self,
            files: new.join("files"),
            folders: Vec::new(),
            made: Vec::new(),
            progress: Progress::new(self.events, Step::Write, class, total),
        };
        let failing = |path: &Path| self.source.failing("making", path);
        for folder in [new, &tree.files] {
            self.trees.make(folder, &NodeKind::Folder).map_err(failing(folder))?;
            let meta = Meta { mode: 0o755, ..Meta::default() };
            self.trees.set(folder, &meta).map_err(failing(folder))?;
        }
        for entry in self.selection.list.entries() {
            if self.selection.has(&entry.path) {
                tree.add(entry)?;
            }
        }
        if let Some(base) = self.base {
            tree.add_others(base)?;
        }
        // A folder that nobody may write to, or that gives what is in it an owner, is given that last.
        for (path, meta) in tree.folders.iter().rev() {
            self.trees.set(&tree.files.join(path), meta).map_err(failing(path))?;
        }
        let name = new.join("holds");
        let text = holds(&self.source.image.root_hash);
        let write = || -> io::Result<()> {
            self.trees.make(&name, &NodeKind::File(0))?;
            self.trees.fill(&name)?.write_all(text.as_bytes())?;
            self.trees.set(&name, &Meta { mode: 0o644, ..Meta::default() })
        };
        write().map_err(failing(&name))?;
        self.events.allow(FLUSH_TIME);
        self.trees.flush_all(Flush::TreeWritten).map_err(failing(new))
    }

    /// What the base has under a path.
    fn in_base(&self, path: &Path) -> Result<Option<FoundNode>, Error> {
        let Some(base) = self.base else { return Ok(None) };
        self.trees.look(&base.join(path)).or_else(|error| match error.kind() {
            // Something on the way to it is no folder there.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(self.source.failing("looking at", path)(error)),
        })
    }
}

impl<'b> Growing<'b> {
    fn failing(&self, doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
        self.with.source.failing(doing, path)
    }

    /// Adds one of the vendor's.
    fn add(&mut self, entry: &'b Entry) -> Result<(), Error> {
        let (trees, path) = (self.with.trees, &entry.path);
        self.make_folders_above(path)?;
        let new = self.files.join(path);
        let file = self.with.selection.list.file(entry);
        match &file.what {
            What::Folder => return self.make_folder(path),
            What::Link { target } => {
                let made = trees.make(&new, &NodeKind::Link(target.clone()));
                made.map_err(self.failing("making", path))?;
            }
            What::File { .. } => {
                let first = self.made.iter().find(|(listed, _)| *listed == file.path).map(|(_, first)| first);
                if let Some(first) = first {
                    return trees.link(&self.files.join(first), &new).map_err(self.failing("linking", path));
                }
                let is_shared = self.add_file(file, path)?;
                if self.with.selection.list.has_names(file) {
                    self.made.push((&file.path, path.clone()));
                }
                if is_shared {
                    return Ok(());
                }
            }
            What::Same { .. } => {}
        }
        trees.set(&new, &file.meta).map_err(self.failing("making", path))
    }

    /// Adds a file: what the base has, where that is the same, and otherwise what the image has. Returns whether it is the very
    /// file of the base, whose metadata are right already.
    fn add_file(&mut self, file: &Entry, path: &Path) -> Result<bool, Error> {
        let What::File { size, at, sha256 } = &file.what else { return Ok(false) };
        let (trees, new) = (self.with.trees, self.files.join(path));
        if let (Some(base), Some(found)) = (self.with.base, self.with.in_base(path)?)
            && found.kind == NodeKind::File(*size)
            && digest(trees, &base.join(path)).map_err(self.failing("reading", path))? == *sha256
        {
            let old = base.join(path);
            if trees.clone(&old, &new).map_err(self.failing("cloning", path))? {
                self.progress.advance(*size);
                return Ok(false);
            }
            // Who has too many names, or may get no other one, is written anew.
            if self.with.share == Share::Link
                && found.meta.is_as(&file.meta)
                && trees.link(&old, &new).is_ok()
            {
                self.progress.advance(*size);
                return Ok(true);
            }
        }
        trees.make(&new, &NodeKind::File(0)).map_err(self.failing("making", path))?;
        let mut out = trees.fill(&new).map_err(self.failing("making", path))?;
        let mut sum = Summing::default();
        self.with.source.read(self.with.selection.list.place(*at), *size, |piece| {
            sum.add(piece);
            out.write_all(piece).map_err(self.failing("writing", path))?;
            self.progress.advance(piece.len() as u64);
            Ok(())
        })?;
        match sum.digest() == *sha256 {
            true => Ok(false),
            false => Err(self.with.source.not_proven(path)),
        }
    }

    /// Adds all that is not the vendor's, as it is in the base.
    fn add_others(&mut self, base: &Path) -> Result<(), Error> {
        let trees = self.with.trees;
        let mut left = vec![PathBuf::new()];
        while let Some(folder) = left.pop() {
            let names = trees.names(&base.join(&folder)).map_err(self.failing("reading", &folder))?;
            for name in names {
                let path = folder.join(name);
                let found = trees.look(&base.join(&path)).map_err(self.failing("looking at", &path))?;
                let Some(found) = found else { continue };
                let is_folder = found.kind == NodeKind::Folder;
                if is_folder && path.iter().count() > DEPTH {
                    return Err(self.refused(&path, "there are too many folders above it"));
                }
                if !self.with.selection.has(&path) {
                    self.add_other(base, &path, found)?;
                }
                // A folder of the vendor's may hold what is not.
                if is_folder {
                    left.push(path);
                }
            }
        }
        Ok(())
    }

    fn add_other(&mut self, base: &Path, path: &Path, found: FoundNode) -> Result<(), Error> {
        let trees = self.with.trees;
        self.make_folders_above(path)?;
        if found.kind != NodeKind::Folder && self.place_of(path).is_ok() {
            return Err(
                self.refused(path, "the image needs a folder there, and the device keeps something else")
            );
        }
        let (old, new) = (base.join(path), self.files.join(path));
        match found.kind {
            NodeKind::Folder => return self.make_folder(path),
            NodeKind::File(_) => {
                if !trees.clone(&old, &new).map_err(self.failing("cloning", path))? {
                    copy(trees, &old, trees, &new).map_err(self.failing("copying", path))?;
                }
            }
            NodeKind::Link(_) | NodeKind::Pipe => {
                trees.make(&new, &found.kind).map_err(self.failing("making", path))?;
            }
            // It belongs to a process that does not run now, or to nobody who may bring one.
            NodeKind::Other => return Ok(()),
        }
        trees.set(&new, &found.meta).map_err(self.failing("making", path))
    }

    /// Where a folder is among those that were made, or would be.
    fn place_of(&self, path: &Path) -> Result<usize, usize> {
        self.folders.binary_search_by(|(made, _)| made.as_path().cmp(path))
    }

    fn make_folders_above(&mut self, path: &Path) -> Result<(), Error> {
        let mut above: Vec<&Path> = path.ancestors().skip(1).filter(|path| *path != Path::new("")).collect();
        above.reverse();
        above.into_iter().try_for_each(|folder| self.make_folder(folder))
    }

    /// Makes a folder, if it is not there: as the image has it where it is the vendor's, and otherwise as the base has it.
    fn make_folder(&mut self, path: &Path) -> Result<(), Error> {
        let Err(place) = self.place_of(path) else { return Ok(()) };
        let listed = self.with.selection.list.at(path);
        let is_vendors = self.with.selection.has(path);
        if is_vendors && listed.is_some_and(|entry| entry.what != What::Folder) {
            return Err(
                self.refused(path, "the image has no folder there, and the device keeps files in one")
            );
        }
        let kept = match (is_vendors, listed) {
            (true, Some(_)) => None,
            _ => self.with.in_base(path)?.filter(|found| found.kind == NodeKind::Folder),
        };
        let listed = listed.filter(|entry| entry.what == What::Folder).map(|entry| entry.meta.clone());
        let plain = || Meta { mode: 0o755, ..Meta::default() };
        let meta = kept.map(|found| found.meta).or(listed).unwrap_or_else(plain);
        let new = self.files.join(path);
        let made = self.with.trees.make(&new, &NodeKind::Folder);
        made.map_err(self.failing("making", path))?;
        self.folders.insert(place, (path.to_owned(), meta));
        Ok(())
    }

    fn refused(&self, path: &Path, why: &str) -> Error {
        Error::Refused(format!(
            "the tree of `{}` can't be made at {}: {why}; move the device's files, or choose other ones",
            self.with.source.image.class,
            path.display()
        ))
    }
}

/// Copies what a file holds into a new one. Returns the digest of what was read.
pub(super) fn copy(from: &dyn Trees, old: &Path, trees: &dyn Trees, new: &Path) -> io::Result<Digest> {
    trees.make(new, &NodeKind::File(0))?;
    let (mut from, mut to) = (from.open(old)?, trees.fill(new)?);
    let (mut buffer, mut sum) = (vec![0; COPY as usize], Summing::default());
    loop {
        let count = from.read(&mut buffer)?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return Ok(sum.digest());
        }
        sum.add(piece);
        to.write_all(piece)?;
    }
}
