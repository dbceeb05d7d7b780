use drydock_format::ReadAt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// The length in bytes of a regular file or a block device.
pub fn len(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    match metadata.file_type() {
        kind if kind.is_file() => Ok(metadata.len()),
        // Its end would be wherever the filesystem likes.
        kind if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
        _ => io::Seek::seek(&mut &*file, io::SeekFrom::End(0)),
    }
}

/// A file whose bytes are read at random.
///
/// The length of a block device is found by seeking to its end, so one handle must not be shared with code that relies
/// on the file's position.
#[derive(Debug)]
pub struct FileBytes(pub File);

impl ReadAt for FileBytes {
    fn len(&self) -> io::Result<u64> {
        len(&self.0)
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }
}
