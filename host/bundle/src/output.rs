use crate::Error;
use drydock_files::new_file::{NewFile, Readers, folder};
use drydock_format::tar::{END, Header, padded};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A bundle being written, under a temporary name until it is whole.
pub(crate) struct Output {
    path: PathBuf,
    file: NewFile,
    size: u64,
}

impl Output {
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let file = NewFile::new(path, Readers::Usual);
        let file = file.map_err(|source| Error::File { doing: "writing", path: path.into(), source })?;
        Ok(Self { path: path.into(), file, size: 0 })
    }

    /// Writes a whole member.
    pub(crate) fn member(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.member_from(name, bytes.len() as u64, bytes)
    }

    /// Writes a member of `size` bytes that come from `reader`.
    pub(crate) fn member_from(&mut self, name: &str, size: u64, reader: impl Read) -> Result<(), Error> {
        let header = Header { name: name.into(), size }.encode();
        let zeros = vec![0; (padded(size) - size) as usize];
        let mut file = self.file.file();
        let written = file.write_all(&header).and_then(|()| {
            let copied = io::copy(&mut reader.take(size), &mut file)?;
            if copied == size { file.write_all(&zeros) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        });
        self.size += header.len() as u64 + padded(size);
        written.map_err(|source| self.failed(source))
    }

    /// Ends the archive and gives it its name. On return it is on stable storage. Returns its size in bytes.
    pub(crate) fn finish(self) -> Result<u64, Error> {
        let Self { path, file, size } = self;
        let done = file.file().write_all(&[0; END as usize]).and_then(|()| file.finish());
        done.map_err(|source| Error::File { doing: "writing", path, source })?;
        Ok(size + END)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File { doing: "writing", path: self.path.clone(), source }
    }
}

/// An empty file on the filesystem of `path` that has no name and goes away when it is closed.
pub(crate) fn scratch(path: &Path) -> Result<File, Error> {
    let file = tempfile::tempfile_in(folder(path));
    file.map_err(|source| Error::File { doing: "writing beside", path: path.into(), source })
}
