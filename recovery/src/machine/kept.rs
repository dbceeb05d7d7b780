//! A bundle with holes, as a file.

use crate::mount::files::Mounted;
use drydock_block::Flush;
use drydock_engine::fetch::Keep;
use drydock_engine::fetch::holes::{CLAIM_LIMIT, CLAIM_SUFFIX};
use drydock_engine::files::{self, Files};
use drydock_engine::reset::archive::{Entry, Kind};
use drydock_format::ReadAt;
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file, and its claim beside it.
pub struct KeptFile {
    folder: Mounted,
    name: PathBuf,
    claim: PathBuf,
    file: Mutex<Option<File>>,
}

impl KeptFile {
    /// Returns the bundle at this path, which need not be there yet; its folder is made if it is missing. An error: the path
    /// names no file.
    pub fn at(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() {
            fs::create_dir_all(folder)?;
        }
        let mut claim = name.to_owned();
        claim.push(CLAIM_SUFFIX);
        let file = File::options().read(true).write(true).open(path);
        let file = match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?),
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Ok(Self {
            folder: Mounted(folder.into()),
            name: name.into(),
            claim: claim.into(),
            file: Mutex::new(file),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_file<T>(&self, work: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        work(self.lock().as_ref().ok_or(io::ErrorKind::NotFound)?)
    }
}

impl ReadAt for KeptFile {
    fn len(&self) -> io::Result<u64> {
        self.on_file(|file| Ok(file.metadata()?.len()))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.on_file(|file| file.read_exact_at(buf, offset))
    }
}

impl Keep for KeptFile {
    fn room(&self) -> io::Result<u64> {
        // Counted in units of 512 bytes, whatever the filesystem's are (stat(2)).
        let occupied =
            self.lock().as_ref().map_or(Ok(0), |file| io::Result::Ok(file.metadata()?.blocks() * 512))?;
        let volume = statvfs(&self.folder.0)?;
        // A filesystem in memory without a limit has no blocks.
        Ok(match volume.blocks() {
            0 => u64::MAX,
            _ => (volume.blocks_available() * volume.fragment_size()).saturating_add(occupied),
        })
    }

    fn claim(&self) -> io::Result<Option<Vec<u8>>> {
        match self.folder.read(&self.claim, CLAIM_LIMIT as u64) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    fn put_claim(&self, bytes: &[u8]) -> io::Result<()> {
        let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        let kind = Kind::File;
        files::replace(
            &self.folder,
            &Entry { kind, path: &self.claim, mode: 0o600, uid, gid, contents: bytes },
        )
    }

    fn make(&self, length: u64) -> io::Result<()> {
        let path = self.folder.0.join(&self.name);
        let file =
            File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.set_len(length)?;
        file.sync_all()?;
        *self.lock() = Some(file);
        self.folder.flush(Path::new(""), Flush::FileNamed)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.on_file(|file| file.write_all_at(bytes, offset))
    }

    fn flush(&self, _guard: Flush) -> io::Result<()> {
        self.on_file(File::sync_data)
    }
}
