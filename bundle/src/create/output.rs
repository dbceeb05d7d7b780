use crate::Error;
use crate::tar::{END, Header, padded};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A bundle being written, under a temporary name until it is whole.
pub(crate) struct Output {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    size: u64,
    finished: bool,
}

impl Output {
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let temporary = beside(path, "new");
        let file = File::create(&temporary);
        let file =
            file.map_err(|source| Error::File { doing: "writing", path: temporary.clone(), source })?;
        Ok(Self { path: path.into(), temporary, file, size: 0, finished: false })
    }

    /// Writes a whole member.
    pub(crate) fn member(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.member_from(name, bytes.len() as u64, bytes)
    }

    /// Writes a member of `size` bytes that come from `reader`.
    pub(crate) fn member_from(&mut self, name: &str, size: u64, reader: impl Read) -> Result<(), Error> {
        let header = Header { name: name.into(), size }.encode();
        let zeros = vec![0; (padded(size) - size) as usize];
        let written = self.file.write_all(&header).and_then(|()| {
            let copied = io::copy(&mut reader.take(size), &mut self.file)?;
            if copied == size {
                self.file.write_all(&zeros)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        });
        self.size += header.len() as u64 + padded(size);
        written.map_err(|source| self.failed(source))
    }

    /// Ends the archive and gives it its name. On return it is on stable storage. Returns its size in bytes.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        let done = self
            .file
            .write_all(&[0; END as usize])
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .and_then(|()| {
                self.finished = true;
                let parent = self.path.parent().filter(|parent| *parent != Path::new(""));
                File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
            });
        done.map_err(|source| self.failed(source))?;
        Ok(self.size + END)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File { doing: "writing", path: self.path.clone(), source }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: what is left is under a name that says so.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A file in the same directory, so that a rename stays within the filesystem.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.{suffix}", std::process::id()));
    path.with_file_name(name)
}

/// An empty file in the directory of `path` that has no name any more and goes away when it is closed.
pub(crate) fn scratch(path: &Path) -> Result<File, Error> {
    let name = beside(path, "scratch");
    let open = File::options().read(true).write(true).create(true).truncate(true).open(&name);
    let file = open.and_then(|file| fs::remove_file(&name).map(|()| file));
    file.map_err(|source| Error::File { doing: "writing", path: name, source })
}
