//! A mounted filesystem, and files that others have written.

use drydock_block::Flush;
use drydock_engine::files::Files;
use drydock_engine::reset::archive::{Entry, Kind};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::unistd::{Gid, Uid, fchown, syncfs};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

/// Sees to it that a file which others have written is on stable storage, with its name: an intent relies on it. What is
/// read of it from now on comes from there, too, where the kernel can be told so.
/// Filesystems that can only be read have nothing to flush.
pub fn secure(file: &File) -> io::Result<()> {
    let nothing_to_flush = [nix::libc::EINVAL, nix::libc::EROFS];
    match file.sync_all() {
        Err(error) if error.raw_os_error().is_some_and(|code| nothing_to_flush.contains(&code)) => {}
        Err(error) => return Err(error),
        // Its name, and those of the folders above it, wherever links have led.
        Ok(()) => syncfs(file)?,
    }
    // What has just been copied here is in the page cache: to prove that would prove nothing of the medium.
    let _ = posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    Ok(())
}

/// The filesystem that is mounted at this path.
#[derive(Clone, Debug)]
pub struct Mounted(pub PathBuf);

impl Files for Mounted {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![];
        File::open(self.0.join(path))?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn make_folder(&self, path: &Path) -> io::Result<bool> {
        match fs::create_dir(self.0.join(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            made => made.map(|()| true),
        }
    }

    fn put(&self, entry: &Entry<'_>) -> io::Result<()> {
        let path = &self.0.join(entry.path);
        let file = match entry.kind {
            Kind::Link => {
                symlink(OsStr::from_bytes(entry.contents), path)?;
                return lchown(path, Some(entry.uid), Some(entry.gid));
            }
            // The filesystem's own folders, lost+found above all, are there already.
            Kind::Folder => {
                self.make_folder(entry.path)?;
                File::open(path)?
            }
            Kind::File => {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(entry.contents)?;
                file
            }
        };
        // The owner first: a change of owner takes set-user-ID bits away.
        fchown(&file, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))?;
        file.set_permissions(Permissions::from_mode(entry.mode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.0.join(path))
    }

    fn flush(&self, path: &Path, _guard: Flush) -> io::Result<()> {
        File::open(self.0.join(path))?.sync_all()
    }

    fn flush_all(&self, _guard: Flush) -> io::Result<()> {
        Ok(syncfs(File::open(&self.0)?)?)
    }
}
