//! A layer: files that lie over a root image. Which ones there are to be, and a folder with exactly these.

use super::build::{FLUSH_TIME, copy};
use super::check::{DEPTH, digest};
use super::place::holds;
use super::selection::failed;
use crate::error::Error;
use crate::event::Events;
use crate::machine::{FoundNode, NodeKind, Trees};
use drydock_block::Flush;
use drydock_format::Digest;
use drydock_tree::{Meta, Pattern};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The most files and folders that a layer may have.
const MOST: usize = 20_000;

/// Where files of a layer come from.
pub struct Part<'p> {
    /// The filesystem.
    pub trees: &'p dyn Trees,
    /// The folder in it that its paths are relative to.
    pub root: &'p Path,
}

/// What a layer is to have.
pub struct Layer<'l> {
    /// The slot class.
    pub class: &'l str,
    /// What may be in it.
    pub patterns: &'l [Pattern],
    /// The root that it lies over: a folder above what is carried is as it is there, if it is there.
    pub under: &'l dyn Trees,
    /// Who is told.
    pub events: &'l dyn Events,
}

/// One file, link or folder of a layer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    path: PathBuf,
    found: FoundNode,
    /// In which of the parts it is.
    part: usize,
}

impl Layer<'_> {
    /// Returns what the parts have for the layer, in the order of the paths, and whether they have anything else. What an upper
    /// part has hides what a lower one has under the same name; only folders are seen through each other.
    ///
    /// Nobody has signed these files: they get no power that their owner does not have. What is no file, link or folder is left out.
    pub(super) fn pieces(&self, parts: &[Part<'_>]) -> Result<(Vec<Piece>, bool), Error> {
        let (mut pieces, mut is_exact): (Vec<Piece>, _) = (Vec::new(), true);
        self.events.allow(FLUSH_TIME);
        for (number, part) in parts.iter().enumerate() {
            let (upper, mut left) = (pieces.len(), vec![PathBuf::new()]);
            while let Some(folder) = left.pop() {
                let names = part.trees.names(&part.root.join(&folder));
                for name in names.map_err(failed("reading", self.class, &folder))? {
                    let path = folder.join(name);
                    let is_meant = self.patterns.iter().any(|pattern| pattern.covers(&path));
                    if !is_meant && !self.patterns.iter().any(|pattern| pattern.leads_through(&path)) {
                        is_exact = false;
                        continue;
                    }
                    let hidden = pieces.get(..upper).unwrap_or_default();
                    let hidden = hidden.binary_search_by(|piece| piece.path.cmp(&path));
                    let above = hidden.ok().and_then(|index| pieces.get(index));
                    let is_folder_above = above.map(|piece| piece.found.kind == NodeKind::Folder);
                    let found = part.trees.look(&part.root.join(&path));
                    let Some(found) = found.map_err(failed("looking at", self.class, &path))? else {
                        continue;
                    };
                    let is_folder = found.kind == NodeKind::Folder;
                    if is_folder && is_folder_above != Some(false) {
                        if path.iter().count() > DEPTH || pieces.len() == MOST {
                            return Err(self.refused(&path, "there are too many files and folders"));
                        }
                        left.push(path.clone());
                    }
                    if is_folder_above.is_some() {
                        continue;
                    }
                    if !is_folder && !is_meant || matches!(found.kind, NodeKind::Pipe | NodeKind::Other) {
                        is_exact = false;
                        continue;
                    }
                    let meta = match is_meant {
                        true => harmless(&found.meta),
                        false => self.meta_under(&path)?.unwrap_or_else(|| harmless(&found.meta)),
                    };
                    if !found.meta.is_as(&meta) {
                        is_exact = false;
                    }
                    if is_meant && found.meta != meta {
                        let told = format_args!(
                            "{} is carried without its set-user-ID bits, or capabilities",
                            path.display()
                        );
                        self.events.warning(told);
                    }
                    pieces.push(Piece { path, found: FoundNode { meta, ..found }, part: number });
                }
            }
            pieces.sort_unstable_by(|one, next| one.path.cmp(&next.path));
        }
        // A folder that is not meant itself is there for what is in it.
        let mut below: Option<PathBuf> = None;
        let mut keeps: Vec<bool> = Vec::new();
        for piece in pieces.iter().rev() {
            let keep = piece.found.kind != NodeKind::Folder
                || self.patterns.iter().any(|pattern| pattern.covers(&piece.path))
                || below.as_ref().is_some_and(|below| below.starts_with(&piece.path));
            if keep {
                below = Some(piece.path.clone());
            }
            keeps.push(keep);
        }
        is_exact &= !keeps.contains(&false);
        pieces.retain(|_| keeps.pop() == Some(true));
        Ok((pieces, is_exact))
    }

    /// What the root that it lies over has to say of a folder.
    fn meta_under(&self, path: &Path) -> Result<Option<Meta>, Error> {
        let found = self.under.look(path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(failed("looking at", self.class, path)(error)),
        })?;
        Ok(found.filter(|found| found.kind == NodeKind::Folder).map(|found| found.meta))
    }

    /// Makes a layer under a name where nothing is, of what the parts have for it, for the root image with this hash. On return it is
    /// on stable storage, and was read back. Returns how many files and folders it has.
    pub fn make(
        &self,
        trees: &dyn Trees,
        new: &Path,
        parts: &[Part<'_>],
        root_hash: &Digest,
    ) -> Result<usize, Error> {
        let (pieces, _) = self.pieces(parts)?;
        let files = new.join("files");
        let failing = |path: &Path| failed("carrying", self.class, path);
        for folder in [new, &files] {
            make(trees, folder, &NodeKind::Folder, 0o755).map_err(failing(folder))?;
        }
        let mut sums = Vec::new();
        for Piece { path, found, part } in &pieces {
            let new = files.join(path);
            let made = match (&found.kind, parts.get(*part)) {
                (NodeKind::File(_), Some(part)) => {
                    copy(part.trees, &part.root.join(path), trees, &new).map(|sum| sums.push(sum))
                }
                (kind, _) => trees.make(&new, kind),
            };
            made.map_err(failing(path))?;
        }
        // A folder that nobody may write to is given that last.
        for Piece { path, found, .. } in pieces.iter().rev() {
            trees.set(&files.join(path), &found.meta).map_err(failing(path))?;
        }
        let name = new.join("holds");
        let write = || -> io::Result<()> {
            make(trees, &name, &NodeKind::File(0), 0o644)?;
            trees.fill(&name)?.write_all(holds(root_hash).as_bytes())
        };
        write().map_err(failing(&name))?;
        self.events.allow(FLUSH_TIME);
        trees.flush_all(Flush::TreeWritten).map_err(failing(new))?;
        self.check(trees, &files, &pieces, sums)?;
        Ok(pieces.len())
    }

    /// Whether a layer that was just made is what it was to be.
    fn check(
        &self,
        trees: &dyn Trees,
        files: &Path,
        wanted: &[Piece],
        sums: Vec<Digest>,
    ) -> Result<(), Error> {
        let (made, is_exact) = self.pieces(&[Part { trees, root: files }])?;
        let (mut sums, mut same) = (sums.into_iter(), is_exact && made.len() == wanted.len());
        for (one, other) in wanted.iter().zip(&made) {
            same &= (&one.path, &one.found.kind) == (&other.path, &other.found.kind);
            same &= other.found.meta.is_as(&one.found.meta);
            if matches!(one.found.kind, NodeKind::File(_)) && same {
                let found = digest(trees, &files.join(&one.path));
                same = sums.next() == Some(found.map_err(failed("reading", self.class, &one.path))?);
            }
        }
        match same {
            true => Ok(()),
            false => Err(Error::NotProven {
                what: format!("what is carried for `{}`", self.class),
                why: "it was not read back as it was written".into(),
                advice: "check the disk that `data` is on",
            }),
        }
    }

    fn refused(&self, path: &Path, why: &str) -> Error {
        Error::Refused(format!(
            "{} can't be carried for `{}`: {why}; let `carry` name less, and keep the rest on `data`",
            path.display(),
            self.class
        ))
    }
}

fn make(trees: &dyn Trees, path: &Path, kind: &NodeKind, mode: u32) -> io::Result<()> {
    trees.make(path, kind)?;
    trees.set(path, &Meta { mode, ..Meta::default() })
}

/// Without what gives power to whoever starts a file, and without what has a meaning for an overlay.
fn harmless(meta: &Meta) -> Meta {
    let mut meta = Meta { mode: meta.mode & 0o1777, ..meta.clone() };
    let has_power = |name: &[u8]| name == b"security.capability" || name.starts_with(b"trusted.");
    meta.extras.retain(|extra| !has_power(&extra.name));
    meta
}
