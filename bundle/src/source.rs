//! Where a bundle's bytes come from.

use std::fs::File;
use std::io::{self, Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that can be read at random: a file, a partition, memory, ranges of an HTTP resource.
pub trait Source: Send + Sync {
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Fills `buf` from `offset`. Where the source ends too early that is
    /// [`ErrorKind::UnexpectedEof`], and what `buf` holds is undefined.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Whether there is nothing in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// The length of a block device is found by seeking to its end, so one handle must not be shared with code
/// that relies on the file's position.
impl Source for File {
    fn len(&self) -> io::Result<u64> {
        let metadata = self.metadata()?;
        match metadata.file_type() {
            kind if kind.is_file() => Ok(metadata.len()),
            // Its end would be wherever the filesystem likes.
            kind if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
            _ => io::Seek::seek(&mut &*self, io::SeekFrom::End(0)),
        }
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buf, offset)
    }
}

impl Source for [u8] {
    fn len(&self) -> io::Result<u64> {
        Ok(<[u8]>::len(self) as u64)
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(buf.len())?));
        let bytes = range.and_then(|range| self.get(range)).ok_or(Error::from(ErrorKind::UnexpectedEof))?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        Source::len(self.as_slice())
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        Source::read_at(self.as_slice(), offset, buf)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Source + ?Sized> Source for $pointer {
            fn len(&self) -> io::Result<u64> {
                (**self).len()
            }
            fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
                (**self).read_at(offset, buf)
            }
        }
    )*};
}

forward!(&T, Arc<T>, Box<T>);
