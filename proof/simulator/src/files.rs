//! A simulated filesystem that promises as little as it may: what a file holds, and each name in a folder, is on the
//! medium only once that was flushed, and until then arrives or not, in any order.

use drydock_block::Flush;
use drydock_engine::files::Files;
use drydock_engine::reset::archive::{Entry, Kind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The root folder.
const ROOT: usize = 0;
/// What a file may hold after a cut that came before its flush: nothing, zeros, a part, all.
const HELD: usize = 4;

#[derive(Clone)]
enum Node {
    Folder(BTreeMap<OsString, usize>),
    Holds(Vec<u8>),
}

/// What is on its way to the medium.
#[derive(Clone)]
enum Change {
    /// What a file or a link holds.
    Holds(usize, Vec<u8>),
    /// Names in a folder, all at once: a node gets one, or nothing has it any more.
    Names(usize, Vec<(OsString, Option<usize>)>),
}

impl Change {
    fn node(&self) -> usize {
        match self {
            Self::Holds(node, _) | Self::Names(node, _) => *node,
        }
    }

    /// In how many ways it can arrive or not.
    fn ways(&self) -> usize {
        if matches!(self, Self::Holds(..)) { HELD } else { 2 }
    }
}

/// The medium, and what is in flight.
#[derive(Clone)]
struct State {
    medium: Vec<Node>,
    flight: Vec<Change>,
}

impl State {
    fn apply(&mut self, change: &Change, way: usize) {
        match change {
            Change::Holds(node, bytes) => {
                let half = bytes.len() / 2;
                self.medium[*node] = Node::Holds(match way {
                    0 => return,
                    1 => vec![0; bytes.len()],
                    2 => bytes[..half].to_vec(),
                    _ => bytes.clone(),
                });
            }
            Change::Names(folder, names) if way > 0 => {
                let Node::Folder(held) = &mut self.medium[*folder] else { return };
                for (name, node) in names {
                    match node {
                        Some(node) => held.insert(name.clone(), *node),
                        None => held.remove(name),
                    };
                }
            }
            Change::Names(..) => {}
        }
    }

    /// What a program sees: as if all had arrived.
    fn seen(&self) -> Vec<Node> {
        let mut all = self.clone();
        self.flight.iter().for_each(|change| all.apply(change, HELD));
        all.medium
    }

    fn find(&self, path: &Path) -> Result<usize> {
        find(&self.seen(), path)
    }

    fn add(&mut self, node: Node) -> usize {
        self.medium.push(node);
        self.medium.len() - 1
    }

    fn name(&mut self, path: &Path, node: usize) -> Result<()> {
        let (folder, name) = split(path)?;
        let folder = self.find(folder)?;
        self.flight.push(Change::Names(folder, vec![(name, Some(node))]));
        Ok(())
    }

    fn arrive(&mut self, which: impl Fn(usize) -> bool) {
        let (now, later) =
            std::mem::take(&mut self.flight).into_iter().partition(|c: &Change| which(c.node()));
        let now: Vec<Change> = now;
        now.iter().for_each(|change| self.apply(change, HELD));
        self.flight = later;
    }

    /// Everything that a cut at this moment could leave.
    fn after_a_cut(&self) -> Vec<Vec<Node>> {
        let count = self.flight.iter().map(Change::ways).product();
        let one = |mut number: usize| {
            let mut state = Self { medium: self.medium.clone(), flight: vec![] };
            for change in &self.flight {
                state.apply(change, number % change.ways());
                number /= change.ways();
            }
            state.medium
        };
        (0..count).map(one).collect()
    }
}

/// A filesystem in memory.
pub struct SimFiles {
    state: Mutex<State>,
    /// What every moment so far could leave: before the first act, and after each of them.
    cuts: Mutex<Vec<Vec<Vec<Node>>>>,
    swallowed: Option<Flush>,
}

impl SimFiles {
    /// An empty one, where this flush does nothing.
    pub fn new(swallowed: Option<Flush>) -> Self {
        Self::with(vec![Node::Folder(BTreeMap::new())], swallowed)
    }

    fn with(medium: Vec<Node>, swallowed: Option<Flush>) -> Self {
        let state = State { medium, flight: vec![] };
        Self { cuts: Mutex::new(vec![state.after_a_cut()]), state: Mutex::new(state), swallowed }
    }

    /// Everything that a cut could have left, moment by moment; the last of them is now.
    pub fn cuts(&self) -> Vec<Vec<Self>> {
        let moments = lock(&self.cuts).clone();
        let moment = |media: Vec<Vec<Node>>| {
            media.into_iter().map(|medium| Self::with(medium, self.swallowed)).collect()
        };
        moments.into_iter().map(moment).collect()
    }

    /// The same as it is, with all of it on the medium.
    pub fn at_rest(&self) -> Self {
        Self::with(lock(&self.state).seen(), self.swallowed)
    }

    /// Writes to a file in place, as nothing in drydock does.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.act(|state| {
            let node = state.find(path)?;
            state.flight.push(Change::Holds(node, vec![]));
            state.flight.push(Change::Holds(node, bytes.to_vec()));
            Ok(())
        })
    }

    fn act<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = lock(&self.state);
        let done = work(&mut state);
        lock(&self.cuts).push(state.after_a_cut());
        done
    }
}

impl Files for SimFiles {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        let seen = lock(&self.state).seen();
        match &seen[find(&seen, path)?] {
            Node::Holds(bytes) => Ok(bytes.iter().copied().take(limit as usize).collect()),
            Node::Folder(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn make_folder(&self, path: &Path) -> Result<bool> {
        self.act(|state| {
            if state.find(path).is_ok() {
                return Ok(false);
            }
            let node = state.add(Node::Folder(BTreeMap::new()));
            state.name(path, node).map(|()| true)
        })
    }

    fn put(&self, entry: &Entry<'_>) -> Result<()> {
        if entry.kind == Kind::Folder {
            return self.make_folder(entry.path).map(drop);
        }
        self.act(|state| {
            let node = state.add(Node::Holds(vec![]));
            state.name(entry.path, node)?;
            state.flight.push(Change::Holds(node, entry.contents.to_vec()));
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.act(|state| {
            let node = state.find(from)?;
            let ((folder, old), (_, new)) = (split(from)?, split(to)?);
            let folder = state.find(folder)?;
            state.flight.push(Change::Names(folder, vec![(old, None), (new, Some(node))]));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.act(|state| {
            state.find(path)?;
            let (folder, name) = split(path)?;
            let folder = state.find(folder)?;
            state.flight.push(Change::Names(folder, vec![(name, None)]));
            Ok(())
        })
    }

    fn flush(&self, path: &Path, guard: Flush) -> Result<()> {
        self.act(|state| {
            let node = state.find(path)?;
            if self.swallowed != Some(guard) {
                state.arrive(|own| own == node);
            }
            Ok(())
        })
    }

    fn flush_all(&self, guard: Flush) -> Result<()> {
        self.act(|state| {
            if self.swallowed != Some(guard) {
                state.arrive(|_| true);
            }
            Ok(())
        })
    }
}

fn find(nodes: &[Node], path: &Path) -> Result<usize> {
    path.components().try_fold(ROOT, |at, part| match (&nodes[at], part) {
        (Node::Folder(names), Component::Normal(name)) => {
            names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
        }
        _ => Err(ErrorKind::NotADirectory.into()),
    })
}

fn split(path: &Path) -> Result<(&Path, OsString)> {
    let name = path.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    Ok((path.parent().unwrap_or(Path::new("")), name.to_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
