//! Files that appear whole, or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// How much of its later name a file has until it is whole, in bytes. Filesystems take names of 255.
const MOST_OF_NAME: usize = 200;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask lets.
    Usual,
    /// Its owner alone: it may hold a key.
    Owner,
}

/// A file on its way. It lies beside its place, under a name that nobody else has, and is gone when this value is
/// dropped before [`NewFile::finish`].
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl NewFile {
    /// Begins a file that is to be `path`, or what a symbolic link of that name points at. See [`place`] for what is
    /// refused.
    pub fn new(path: &Path, readers: Readers) -> io::Result<Self> {
        let path = place(path)?;
        let mode = match readers {
            Readers::Usual => 0o666,
            Readers::Owner => 0o600,
        };
        // The name tells what was meant, should this be left behind; a long one leaves no room for more.
        let name = path.file_name().unwrap_or_default().as_bytes();
        let prefix = [&name[..name.len().min(MOST_OF_NAME)], b"."].concat();
        let mut builder = Builder::new();
        builder.prefix(OsStr::from_bytes(&prefix)).suffix(".new").permissions(Permissions::from_mode(mode));
        let file = builder.tempfile_in(folder(&path))?;
        Ok(Self { path, file })
    }

    /// What it is called until it is whole.
    pub fn temporary(&self) -> &Path {
        self.file.path()
    }

    /// The file, to write to.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name, in place of what has it. On return file and name are on stable storage.
    pub fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|failed| failed.error)?;
        sync_folder(&self.path)
    }
}

/// Where a file that is to be `path` goes: a symbolic link is followed. Only what is not there yet, or is a regular file,
/// is ever replaced: a file in place of a device's node would be in memory, with nothing flashed and the node gone.
///
/// # Errors
/// Something else is there, or a link that points at nothing; it can't be looked at.
pub fn place(path: &Path) -> io::Result<PathBuf> {
    let refused = |why: &str| Err(io::Error::new(ErrorKind::InvalidInput, why));
    let link = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path.into()),
        found => found?.is_symlink(),
    };
    let target = match fs::metadata(path) {
        Err(error) if link && error.kind() == ErrorKind::NotFound => {
            return refused("it is a symbolic link to nothing; remove it, or make what it points at");
        }
        found => found?.file_type(),
    };
    match target {
        kind if kind.is_file() && link => fs::canonicalize(path),
        kind if kind.is_file() => Ok(path.into()),
        kind if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
        kind if kind.is_block_device() || kind.is_char_device() => refused(
            "it is a device, and would be replaced by a file; write to a file, and that to the device with dd or bmaptool",
        ),
        _ => refused("it is not a regular file, and would be replaced by one; write to a file"),
    }
}

/// The folder that a file of this path is in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

/// Makes the name of a file durable: on return its folder is on stable storage.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::fs;
    use std::io::Write;

    fn names(dir: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn two_at_once_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let (first, second) =
            (NewFile::new(&path, Readers::Usual).unwrap(), NewFile::new(&path, Readers::Usual).unwrap());
        assert_ne!(first.temporary(), second.temporary());
        first.file().write_all(b"first").unwrap();
        second.file().write_all(b"second").unwrap();
        second.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        first.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(dir.path()), ["out"]);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        fs::write(&path, "old").unwrap();
        drop(NewFile::new(&path, Readers::Usual).unwrap());
        let late = NewFile::new(&dir.path().join("taken"), Readers::Owner).unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();
        assert!(late.finish().is_err() && NewFile::new(&dir.path().join("taken"), Readers::Owner).is_err());
        fs::remove_dir(dir.path().join("taken")).unwrap();
        assert_eq!((names(dir.path()), fs::read(&path).unwrap()), (vec!["out".into()], b"old".to_vec()));
        assert!(NewFile::new(&dir.path().join("missing/out"), Readers::Usual).is_err());
    }

    #[test]
    fn a_name_may_be_as_long_as_the_filesystem_takes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x".repeat(255));
        NewFile::new(&path, Readers::Usual).unwrap().finish().unwrap();
        assert_eq!(names(dir.path()), [path.file_name().unwrap()]);
    }

    #[test]
    fn what_may_hold_a_key_is_its_owners_from_the_first_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let new = NewFile::new(&path, Readers::Owner).unwrap();
        assert_eq!(mode(new.temporary()), 0o600);
        new.finish().unwrap();
        assert_eq!(mode(&path), 0o600);
        let usual = NewFile::new(&path, Readers::Usual).unwrap();
        fs::write(dir.path().join("as-usual"), "").unwrap();
        assert_eq!(mode(usual.temporary()), mode(&dir.path().join("as-usual")));
    }
}
