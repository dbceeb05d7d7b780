//! A simulated filesystem for trees of files, which promises as little as it may: what a file holds, who may do what, and each
//! name in a folder is on the medium only once that was flushed, and until then arrives or not, in any order.

use crate::disk::SimDisk;
use drydock_block::Flush;
use drydock_engine::machine::{FoundNode, NodeKind, Trees};
use drydock_fixtures::Random;
use drydock_tree::Meta;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The root folder.
const ROOT: usize = 0;
/// What is made, and was never given an owner and permissions.
const BARE: u32 = 0o600;

/// What is in a tree under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub shape: Shape,
    /// Who may do what.
    pub meta: Meta,
}

/// What something in a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A folder.
    Folder,
    /// A file with these bytes.
    File(Vec<u8>),
    /// A link that leads there.
    Link(PathBuf),
    /// A pipe.
    Pipe,
}

#[derive(Clone)]
struct Inode {
    node: Node,
    names: BTreeMap<OsString, usize>,
}

/// What is on its way to the medium.
#[derive(Clone)]
enum Change {
    Shape(usize, Shape),
    Meta(usize, Meta),
    /// Names in a folder, all at once.
    Names(usize, Vec<(OsString, Option<usize>)>),
}

/// A filesystem: what is on the medium, what a program sees, and what is in flight between them.
#[derive(Clone)]
pub struct Tree {
    medium: Vec<Inode>,
    view: Vec<Inode>,
    flight: Vec<Change>,
}

impl Default for Tree {
    fn default() -> Self {
        let root = vec![new(Shape::Folder)];
        Self { medium: root.clone(), view: root, flight: Vec::new() }
    }
}

/// What has arrived of what was in flight at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// All of it.
    All,
    /// Nothing of it.
    Nothing,
    /// The first so many changes.
    First(usize),
    /// All but this one.
    AllBut(usize),
    /// This one alone.
    Only(usize),
    /// Each with a chance of one half, from this seed; and of what a file holds maybe a part.
    Some(u64),
}

impl Tree {
    /// One with these in it, in the order of their paths.
    pub fn of(nodes: impl Iterator<Item = (PathBuf, Node)>) -> Self {
        let mut all = vec![new(Shape::Folder)];
        for (path, node) in nodes {
            let (folder, name) = split(&all, &path).expect("a folder comes before what is in it");
            let at = all.len();
            all.push(Inode { node, names: BTreeMap::new() });
            all[folder].names.insert(name, at);
        }
        Self { medium: all.clone(), view: all, flight: Vec::new() }
    }

    /// How many changes are in flight.
    pub fn flight(&self) -> usize {
        self.flight.len()
    }

    /// The filesystem after a cut.
    pub fn after_a_cut(&self, arrived: Arrived) -> Self {
        let mut medium = self.medium.clone();
        medium.extend(self.bare());
        let mut random = Random::new(if let Arrived::Some(seed) = arrived { seed } else { 0 });
        for (nth, change) in self.flight.iter().enumerate() {
            let way = match arrived {
                Arrived::All => 3,
                Arrived::Nothing => 0,
                Arrived::First(count) => 3 * usize::from(nth < count),
                Arrived::AllBut(one) => 3 * usize::from(nth != one),
                Arrived::Only(one) => 3 * usize::from(nth == one),
                Arrived::Some(_) if random.below(2) == 0 => 0,
                Arrived::Some(_) => 1 + random.below(3),
            };
            apply(&mut medium, change, way);
        }
        Self { view: medium.clone(), medium, flight: Vec::new() }
    }

    /// All that a program sees below a folder.
    pub fn below(&self, folder: &Path) -> BTreeMap<PathBuf, Node> {
        let mut all = BTreeMap::new();
        let Ok(start) = find(&self.view, folder) else { return all };
        let mut left = vec![(PathBuf::new(), start)];
        while let Some((path, at)) = left.pop() {
            for (name, inner) in &self.view[at].names {
                let path = path.join(name);
                all.insert(path.clone(), self.view[*inner].node.clone());
                left.push((path, *inner));
            }
        }
        all
    }

    /// What was never on the medium has its place there, and nothing in it.
    fn bare(&self) -> impl Iterator<Item = Inode> {
        self.view[self.medium.len()..].iter().map(|inode| match &inode.node.shape {
            Shape::File(_) => new(Shape::File(Vec::new())),
            Shape::Link(_) => new(Shape::Link(PathBuf::new())),
            other => new(other.clone()),
        })
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.view, &change, 3);
        self.flight.push(change);
    }

    fn arrive(&mut self, which: impl Fn(&Change) -> bool) {
        let bare: Vec<_> = self.bare().collect();
        self.medium.extend(bare);
        let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.flight).into_iter().partition(which);
        now.iter().for_each(|change| apply(&mut self.medium, change, 3));
        self.flight = later;
    }
}

fn new(shape: Shape) -> Inode {
    Inode { node: Node { shape, meta: Meta { mode: BARE, ..Meta::default() } }, names: BTreeMap::new() }
}

/// Lets a change arrive in one of several ways: not at all, with zeros or a part of what a file holds, as it was meant.
fn apply(inodes: &mut [Inode], change: &Change, way: usize) {
    match change {
        _ if way == 0 => {}
        Change::Shape(at, Shape::File(bytes)) => {
            inodes[*at].node.shape = Shape::File(match way {
                1 => vec![0; bytes.len()],
                2 => bytes[..bytes.len() / 2].to_vec(),
                _ => bytes.clone(),
            });
        }
        Change::Shape(at, shape) => inodes[*at].node.shape = shape.clone(),
        Change::Meta(at, meta) => inodes[*at].node.meta = meta.clone(),
        Change::Names(folder, names) => {
            for (name, node) in names {
                match node {
                    Some(node) => inodes[*folder].names.insert(name.clone(), *node),
                    None => inodes[*folder].names.remove(name),
                };
            }
        }
    }
}

/// A mounted one, and what it was at every moment.
pub struct SimTrees {
    tree: Mutex<Tree>,
    /// How much had happened to the disk at each moment, and what was on its way then.
    moments: Mutex<Vec<(usize, Tree)>>,
    disk: Arc<SimDisk>,
    /// A flush that does nothing.
    swallowed: Mutex<Option<Flush>>,
}

impl SimTrees {
    /// A filesystem beside a disk.
    pub fn new(tree: Tree, disk: Arc<SimDisk>) -> Self {
        let moments = Mutex::new(vec![(disk.logged(), tree.clone())]);
        Self { tree: Mutex::new(tree), moments, disk, swallowed: Mutex::default() }
    }

    /// Lets a flush do nothing from now on.
    pub fn swallow(&self, flush: Option<Flush>) {
        *lock(&self.swallowed) = flush;
    }

    /// Makes a new filesystem in its place.
    pub fn format(&self) {
        let mut tree = lock(&self.tree);
        *tree = Tree::default();
        lock(&self.moments).push((self.disk.logged(), tree.clone()));
    }

    /// As it is.
    pub fn tree(&self) -> Tree {
        lock(&self.tree).clone()
    }

    /// What it was before the first act, and after each of them, with how much had happened to the disk by then.
    pub fn moments(&self) -> Vec<(usize, Tree)> {
        lock(&self.moments).clone()
    }

    fn act<T>(&self, work: impl FnOnce(&mut Tree) -> Result<T>) -> Result<T> {
        let mut tree = lock(&self.tree);
        let done = work(&mut tree);
        lock(&self.moments).push((self.disk.logged(), tree.clone()));
        done
    }

    fn flushed(&self, guard: Flush, which: impl Fn(&Tree) -> Result<Option<usize>>) -> Result<()> {
        let swallowed = *lock(&self.swallowed) == Some(guard);
        self.act(|tree| {
            let one = which(tree)?;
            if !swallowed {
                tree.arrive(|change| match (one, change) {
                    (None, _) => true,
                    (Some(one), Change::Names(at, _)) => *at == one,
                    (Some(_), _) => false,
                });
            }
            Ok(())
        })
    }

    fn moved(&self, from: &Path, to: &Path, exchange: bool) -> Result<()> {
        self.act(|tree| {
            let one = find(&tree.view, from)?;
            let ((folder, old), (other_folder, name)) = (split(&tree.view, from)?, split(&tree.view, to)?);
            assert_eq!(folder, other_folder, "trees are renamed within a folder only");
            let back = if exchange { Some(find(&tree.view, to)?) } else { None };
            tree.change(Change::Names(folder, vec![(old, back), (name, Some(one))]));
            Ok(())
        })
    }
}

impl Trees for &SimTrees {
    fn look(&self, path: &Path) -> Result<Option<FoundNode>> {
        let tree = lock(&self.tree);
        let found = match find(&tree.view, path) {
            Ok(found) => &tree.view[found].node,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let kind = match &found.shape {
            Shape::Folder => NodeKind::Folder,
            Shape::File(bytes) => NodeKind::File(bytes.len() as u64),
            Shape::Link(target) => NodeKind::Link(target.clone()),
            Shape::Pipe => NodeKind::Pipe,
        };
        Ok(Some(FoundNode { kind, meta: found.meta.clone() }))
    }
    fn names(&self, folder: &Path) -> Result<Vec<OsString>> {
        let tree = lock(&self.tree);
        Ok(tree.view[find(&tree.view, folder)?].names.keys().cloned().collect())
    }
    fn open(&self, path: &Path) -> Result<Box<dyn Read + '_>> {
        let tree = lock(&self.tree);
        match &tree.view[find(&tree.view, path)?].node.shape {
            Shape::File(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            _ => Err(ErrorKind::InvalidInput.into()),
        }
    }
    fn make(&self, path: &Path, kind: &NodeKind) -> Result<()> {
        self.act(|tree| {
            if find(&tree.view, path).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let (folder, name) = split(&tree.view, path)?;
            let shape = match kind {
                NodeKind::Folder => Shape::Folder,
                NodeKind::File(_) => Shape::File(Vec::new()),
                NodeKind::Link(target) => Shape::Link(target.clone()),
                NodeKind::Pipe | NodeKind::Other => Shape::Pipe,
            };
            tree.view.push(new(shape.clone()));
            let at = tree.view.len() - 1;
            tree.change(Change::Shape(at, shape));
            tree.change(Change::Names(folder, vec![(name, Some(at))]));
            Ok(())
        })
    }
    fn fill(&self, path: &Path) -> Result<Box<dyn Write + '_>> {
        let at = find(&lock(&self.tree).view, path)?;
        Ok(Box::new(Filling { trees: self, at }))
    }
    fn link(&self, file: &Path, name: &Path) -> Result<()> {
        self.act(|tree| {
            let at = find(&tree.view, file)?;
            let (folder, name) = split(&tree.view, name)?;
            tree.change(Change::Names(folder, vec![(name, Some(at))]));
            Ok(())
        })
    }
    fn clone(&self, _file: &Path, _new: &Path) -> Result<bool> {
        Ok(false)
    }
    fn set(&self, path: &Path, meta: &Meta) -> Result<()> {
        self.act(|tree| {
            let at = find(&tree.view, path)?;
            tree.change(Change::Meta(at, meta.clone()));
            Ok(())
        })
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.moved(from, to, false)
    }
    fn exchange(&self, one: &Path, other: &Path) -> Result<()> {
        self.moved(one, other, true)
    }
    fn remove(&self, path: &Path) -> Result<()> {
        self.act(|tree| {
            let at = find(&tree.view, path)?;
            if !tree.view[at].names.is_empty() {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            let (folder, name) = split(&tree.view, path)?;
            tree.change(Change::Names(folder, vec![(name, None)]));
            Ok(())
        })
    }
    fn flush(&self, folder: &Path, guard: Flush) -> Result<()> {
        self.flushed(guard, |tree| find(&tree.view, folder).map(Some))
    }
    fn flush_all(&self, guard: Flush) -> Result<()> {
        self.flushed(guard, |_| Ok(None))
    }
}

/// A file that is being filled.
struct Filling<'t> {
    trees: &'t SimTrees,
    at: usize,
}

impl Write for Filling<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.trees.act(|tree| {
            let Shape::File(mut all) = tree.view[self.at].node.shape.clone() else {
                return Err(ErrorKind::InvalidInput.into());
            };
            all.extend(bytes);
            tree.change(Change::Shape(self.at, Shape::File(all)));
            Ok(bytes.len())
        })
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn find(inodes: &[Inode], path: &Path) -> Result<usize> {
    path.components().try_fold(ROOT, |at, part| match (&inodes[at].node.shape, part) {
        (Shape::Folder, Component::Normal(name)) => {
            inodes[at].names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
        }
        _ => Err(ErrorKind::NotADirectory.into()),
    })
}

fn split(inodes: &[Inode], path: &Path) -> Result<(usize, OsString)> {
    let name = path.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    Ok((find(inodes, path.parent().unwrap_or(Path::new("")))?, name.to_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
