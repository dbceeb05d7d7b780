//! Files on a filesystem, written such that a cut of power at any moment leaves the old ones or the new ones.
//!
//! All that drydock writes on `data` goes through [`Files`], so that a simulated filesystem, which loses what was not
//! flushed, can show that nothing is missing.

use crate::reset::archive::Entry;
use drydock_block::Flush;
use std::io;
use std::path::Path;

/// A mounted filesystem. All paths are relative to its root; nothing but a flush makes anything durable.
pub trait Files {
    /// What is in a file, at most `limit` bytes of it.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Makes a folder, if it is not there. Returns whether it was made.
    fn make_folder(&self, path: &Path) -> io::Result<bool>;

    /// Makes a folder, a link or a file. A folder may be there already; a file takes the place of another one.
    fn put(&self, entry: &Entry<'_>) -> io::Result<()>;

    /// Gives a file another name in the same folder, in place of what has that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// On return, what a file holds, or the names in a folder, are on stable storage.
    fn flush(&self, path: &Path, guard: Flush) -> io::Result<()>;

    /// On return, everything is on stable storage.
    fn flush_all(&self, guard: Flush) -> io::Result<()>;
}

/// Puts a file where another one may be, and makes the folders above it. Whenever the power is cut, the old one is there
/// whole or the new one; on return the new one is, on stable storage.
pub fn replace(files: &(impl Files + ?Sized), file: &Entry<'_>) -> io::Result<()> {
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let mut above: Vec<_> = folder.ancestors().filter(|path| *path != Path::new("")).collect();
    above.reverse();
    for path in above {
        if files.make_folder(path)? {
            files.flush(path.parent().unwrap_or(Path::new("")), Flush::FolderNamed)?;
        }
    }
    let beside = file.path.with_extension("new");
    files.put(&Entry { path: &beside, ..*file })?;
    files.flush(&beside, Flush::FileWritten)?;
    files.rename(&beside, file.path)?;
    files.flush(folder, Flush::FileNamed)
}
