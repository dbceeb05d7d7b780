//! From the root of a filesystem to all of its files.

use crate::error::damaged;
use crate::{Error, Extent, File, Stored};
use std::collections::HashMap;

/// The most names that are followed in one image.
const MAX_NAMES: u64 = 4 << 20;
/// The longest path: no program can open one that is longer (PATH_MAX).
const MAX_PATH: usize = 4096;
/// The most bytes that all paths to be followed have together.
const MAX_PATHS: u64 = 256 << 20;

/// A filesystem whose inodes have numbers.
pub(crate) trait Inodes {
    /// The number of the root directory.
    fn root(&self) -> u64;
    /// What the inode of this number is. Called once for each.
    fn node(&self, number: u64) -> Result<Node, Error>;
}

/// What an inode is.
pub(crate) enum Node {
    Folder(Entries),
    File(Content),
    /// A symbolic link, a device, or a file of which nothing is told.
    Other,
}

/// The entries of a directory: names, and the numbers of their inodes.
#[derive(Default)]
pub(crate) struct Entries(Vec<(Vec<u8>, u64)>);

impl Entries {
    /// Adds an entry. `.` and `..` lead nowhere new, and are left out.
    pub(crate) fn push(&mut self, name: &[u8], number: u64) -> Result<(), Error> {
        if name != b"." && name != b".." {
            within(self.0.len() as u64 + 1, "names", MAX_NAMES)?;
            self.0.push((name.into(), number));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.0.iter().map(|(name, number)| (&name[..], *number))
    }
}

/// A regular file's content.
pub(crate) struct Content {
    pub(crate) size: u64,
    pub(crate) stored: Stored,
    pub(crate) extents: Vec<Extent>,
}

enum Seen {
    Folder,
    /// By its index.
    File(usize),
    Other,
}

/// Returns the files that have extents, by their paths; each inode once, with the first of its paths.
pub(crate) fn walk(inodes: &dyn Inodes) -> Result<Vec<File>, Error> {
    let mut files: Vec<File> = Vec::new();
    let mut seen = HashMap::new();
    let (mut names, mut paths) = (0, 0);
    let mut left = vec![(Vec::new(), inodes.root())];
    while let Some((path, number)) = left.pop() {
        match seen.get(&number) {
            None => {}
            Some(Seen::Other) => continue,
            Some(Seen::Folder) => return damaged(format!("a directory is in two places: {}", shown(&path))),
            Some(Seen::File(index)) => {
                if let Some(file) = files.get_mut(*index).filter(|file| path < file.path) {
                    file.path = path;
                }
                continue;
            }
        }
        let is = match inodes.node(number)? {
            Node::Folder(entries) => {
                for (name, number) in entries.0 {
                    let path = joined(&path, &name)?;
                    (names, paths) = (names + 1, paths + path.len() as u64);
                    within(names, "names", MAX_NAMES)?;
                    within(paths, "bytes of paths", MAX_PATHS)?;
                    left.push((path, number));
                }
                Seen::Folder
            }
            _ if path.is_empty() => return damaged("its root is not a directory"),
            Node::File(Content { size, stored, extents }) if !extents.is_empty() => {
                files.push(File { path, size, stored, extents });
                Seen::File(files.len() - 1)
            }
            Node::File(_) | Node::Other => Seen::Other,
        };
        seen.insert(number, is);
    }
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn within(value: u64, what: &'static str, limit: u64) -> Result<(), Error> {
    if value > limit { Err(Error::TooLarge { what, limit }) } else { Ok(()) }
}

/// The path of a name in a directory.
fn joined(folder: &[u8], name: &[u8]) -> Result<Vec<u8>, Error> {
    if name.is_empty() || name.iter().any(|byte| matches!(byte, 0 | b'/')) {
        return damaged(format!("a name that no file can have is in /{}", shown(folder)));
    }
    let len = folder.len() + 1 + name.len();
    within(len as u64, "bytes in a path", MAX_PATH as u64)?;
    let mut path = Vec::with_capacity(len);
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    Ok(path)
}

fn shown(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Directories with the entries of their numbers, the others files.
    struct Fake(Vec<Vec<(&'static str, u64)>>);

    impl Inodes for Fake {
        fn root(&self) -> u64 {
            0
        }
        fn node(&self, number: u64) -> Result<Node, Error> {
            Ok(match self.0.get(number as usize) {
                Some(folder) => {
                    let mut entries = Entries::default();
                    for (name, number) in folder {
                        entries.push(name.as_bytes(), *number)?;
                    }
                    Node::Folder(entries)
                }
                None if number == 99 => Node::Other,
                None => {
                    let extents = vec![Extent { offset: 0, at: number, len: 1 }];
                    Node::File(Content { size: 1, stored: Stored::Plain, extents })
                }
            })
        }
    }

    fn paths(folders: Vec<Vec<(&'static str, u64)>>) -> Result<Vec<(String, u64)>, Error> {
        let named = |file: File| (String::from_utf8(file.path).unwrap(), file.extents[0].at);
        Ok(walk(&Fake(folders))?.into_iter().map(named).collect())
    }

    #[test]
    fn files_are_sorted_and_an_inode_has_its_first_name() {
        let found = paths(vec![
            vec![("z", 50), (".", 0), ("..", 0), ("b", 1), ("a-", 51), ("link", 99)],
            vec![("x", 52), ("a", 50), ("again", 99)],
        ]);
        let expected = [("a-".into(), 51), ("b/a".into(), 50), ("b/x".into(), 52)];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn what_is_not_a_tree_is_damaged() {
        for folders in [
            vec![],
            vec![vec![("a", 0)]],
            vec![vec![("a", 1)], vec![("b", 2)], vec![("c", 1)]],
            vec![vec![("a", 1), ("b", 1)], vec![]],
            vec![vec![("", 50)]],
            vec![vec![("a/b", 50)]],
        ] {
            assert!(matches!(paths(folders), Err(Error::Damaged { .. })));
        }
        let deep = (0..3000).map(|number| vec![("d", number + 1)]).chain([vec![]]).collect();
        assert!(matches!(paths(deep), Err(Error::TooLarge { .. })));
    }
}
