//! The filesystem that trees of files are on.

use drydock_block::Flush;
use drydock_tree::Meta;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What there is under a name. No link is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Who may do what.
    pub meta: Meta,
}

/// Kinds of what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file of so many bytes.
    File(u64),
    /// A symbolic link, and where it leads.
    Link(PathBuf),
    /// A pipe with a name.
    Pipe,
    /// A socket or a device.
    Other,
}

/// A mounted filesystem with trees of files. All paths are relative to its root, and lead through folders only: where a
/// link is in the way of one that is an error, and nothing beyond it is touched. Nothing but a flush makes anything durable.
pub trait Trees {
    /// Returns what a path leads to, if anything is there.
    fn look(&self, path: &Path) -> io::Result<Option<Found>>;

    /// Returns the names in a folder, in order.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Opens a regular file for reading, from the medium as far as possible.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>>;

    /// Makes what was not there: a folder, a link, a pipe, or an empty file. Only root may use it until it is given a [`Meta`].
    fn make(&self, path: &Path, kind: &Kind) -> io::Result<()>;

    /// Opens a file that was made for writing.
    fn fill(&self, path: &Path) -> io::Result<Box<dyn Write + '_>>;

    /// Gives a file another name.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()>;

    /// Makes a new file that shares the contents of another one until one of them is written. Returns whether the
    /// filesystem can do so; otherwise nothing is made.
    fn clone(&self, file: &Path, new: &Path) -> io::Result<bool>;

    /// Sets who may do what, and the extended attributes, all at once.
    fn set(&self, path: &Path, meta: &Meta) -> io::Result<()>;

    /// Gives something another name in the same folder, at once; nothing or a link may have that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Lets two names in the same folder change places, at once.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Takes a name away, of an empty folder or of anything else.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// On return the names in a folder are on stable storage.
    fn flush(&self, folder: &Path, guard: Flush) -> io::Result<()>;

    /// On return everything is on stable storage.
    fn flush_all(&self, guard: Flush) -> io::Result<()>;
}
