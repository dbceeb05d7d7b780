//! Trees of files on a mounted filesystem. Every path is followed by the kernel from the filesystem's root and through folders
//! only (openat2(2)): never up, through a link, or onto another filesystem, whatever a live process makes of it meanwhile.

mod extras;

use crate::sys;
use drydock_block::Flush;
use drydock_engine::machine::{FoundNode, NodeKind, Trees};
use drydock_tree::Meta;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{
    AtFlags, OFlag, OpenHow, PosixFadviseAdvice, RenameFlags, ResolveFlag, openat2, posix_fadvise,
    readlinkat, renameat2,
};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, mkdirat};
use nix::unistd::{
    Gid, LinkatFlags, Uid, UnlinkatFlags, fchown, fchownat, fsync, linkat, mkfifoat, symlinkat, syncfs,
    unlinkat,
};
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// A filesystem, by its root folder.
pub struct Beneath {
    root: OwnedFd,
    /// Whether two files can share contents here, as far as is known.
    clones: Cell<bool>,
}

impl Beneath {
    /// The filesystem that is mounted there.
    pub fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self { root: nix::fcntl::open(root, flags, Mode::empty())?, clones: Cell::new(true) })
    }

    /// Opens a folder in it, only to say where it is.
    pub fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        self.at(path, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty())
    }

    fn at(&self, path: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
        let resolve = ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_XDEV;
        let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let how = OpenHow::new().flags(flags).mode(mode).resolve(resolve);
        let path = if path == Path::new("") { Path::new(".") } else { path };
        Ok(openat2(&self.root, path, how)?)
    }

    /// The folder that a path is in, and its name there.
    fn folder_of<'p>(&self, path: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        let name = path.file_name().ok_or(Errno::EINVAL)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok((self.folder(folder)?, name))
    }

    /// Opens a regular file, and nothing else.
    fn file(&self, path: &Path, flags: OFlag) -> io::Result<File> {
        let file = self.at(path, flags | OFlag::O_NONBLOCK, Mode::empty())?;
        match kind(&fstat(&file)?) {
            libc::S_IFREG => Ok(file.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn new_file(&self, path: &Path) -> io::Result<OwnedFd> {
        self.at(path, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL, Mode::from_bits_truncate(0o600))
    }

    fn renamed(&self, from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
        let ((folder, old), (other, new)) = (self.folder_of(from)?, self.folder_of(to)?);
        Ok(renameat2(&folder, old, &other, new, flags)?)
    }
}

fn kind(stat: &FileStat) -> u32 {
    stat.st_mode & libc::S_IFMT
}

impl Trees for Beneath {
    fn look(&self, path: &Path) -> io::Result<Option<FoundNode>> {
        // It must not even be opened before it is known what it is.
        let name = match self.at(path, OFlag::O_PATH, Mode::empty()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            name => name?,
        };
        let (mut stat, mut extras) = (fstat(&name)?, Vec::new());
        if matches!(kind(&stat), libc::S_IFREG | libc::S_IFDIR) {
            let opened = self.at(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty())?;
            stat = fstat(&opened)?;
            extras = extras::read(&opened)?;
        }
        let kind = match kind(&stat) {
            libc::S_IFREG => NodeKind::File(stat.st_size.unsigned_abs()),
            libc::S_IFDIR => NodeKind::Folder,
            libc::S_IFLNK => NodeKind::Link(readlinkat(&name, "")?.into()),
            libc::S_IFIFO => NodeKind::Pipe,
            _ => NodeKind::Other,
        };
        let meta = Meta { mode: stat.st_mode & 0o7777, uid: stat.st_uid, gid: stat.st_gid, extras };
        Ok(Some(FoundNode { kind, meta }))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let opened = self.at(folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::from_fd(opened)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        let file = self.file(path, OFlag::O_RDONLY)?;
        // What is clean in memory is read anew; that it can't be let go is no reason not to read it.
        let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        Ok(Box::new(file))
    }

    fn make(&self, path: &Path, kind: &NodeKind) -> io::Result<()> {
        let (folder, name) = self.folder_of(path)?;
        match kind {
            NodeKind::Folder => mkdirat(&folder, name, Mode::from_bits_truncate(0o700))?,
            NodeKind::Link(target) => symlinkat(target, &folder, name)?,
            NodeKind::Pipe => mkfifoat(&folder, name, Mode::from_bits_truncate(0o600))?,
            NodeKind::File(_) => drop(self.new_file(path)?),
            NodeKind::Other => return Err(Errno::EINVAL.into()),
        }
        Ok(())
    }

    fn fill(&self, path: &Path) -> io::Result<Box<dyn Write + '_>> {
        Ok(Box::new(self.file(path, OFlag::O_WRONLY)?))
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let ((folder, old), (other, new)) = (self.folder_of(file)?, self.folder_of(name)?);
        Ok(linkat(&folder, old, &other, new, LinkatFlags::empty())?)
    }

    fn clone(&self, file: &Path, new: &Path) -> io::Result<bool> {
        if !self.clones.get() {
            return Ok(false);
        }
        let from = self.file(file, OFlag::O_RDONLY)?;
        let to = self.new_file(new)?;
        match sys::clone_contents(&from, &to) {
            Ok(()) => Ok(true),
            Err(_) => {
                self.clones.set(false);
                self.remove(new).map(|()| false)
            }
        }
    }

    fn set(&self, path: &Path, meta: &Meta) -> io::Result<()> {
        let (uid, gid) = (Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)));
        let named = self.at(path, OFlag::O_PATH, Mode::empty())?;
        if kind(&fstat(&named)?) == libc::S_IFLNK {
            return Ok(fchownat(&named, "", uid, gid, AtFlags::AT_EMPTY_PATH)?);
        }
        let opened = self.at(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty())?;
        // The owner first: a change of owner takes set-user-ID bits and capabilities away; and an access list has the last word
        // on permissions.
        fchown(&opened, uid, gid)?;
        fchmod(&opened, Mode::from_bits_truncate(meta.mode))?;
        extras::write(&opened, &meta.extras)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.renamed(from, to, RenameFlags::empty())
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.renamed(one, other, RenameFlags::RENAME_EXCHANGE)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.folder_of(path)?;
        match unlinkat(&folder, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::EISDIR) => Ok(unlinkat(&folder, name, UnlinkatFlags::RemoveDir)?),
            done => Ok(done?),
        }
    }

    fn flush(&self, folder: &Path, _guard: Flush) -> io::Result<()> {
        Ok(fsync(self.at(folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())?)?)
    }

    fn flush_all(&self, _guard: Flush) -> io::Result<()> {
        Ok(syncfs(&self.root)?)
    }
}
