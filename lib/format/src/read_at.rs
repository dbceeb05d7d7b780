//! Bytes that can be read at random, wherever they are.

use std::io::{self, Error, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

/// Bytes that can be read at random: a file, a partition, memory, ranges of an HTTP resource.
pub trait ReadAt: Send + Sync {
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Fills `buf` from `offset`. Where the bytes end too early that is
    /// [`ErrorKind::UnexpectedEof`], and what `buf` holds is undefined.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Whether these bytes are there: of a bundle that was fetched in part, some are not.
    fn has(&self, _range: &Range<u64>) -> bool {
        true
    }

    /// Whether there is nothing in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

impl ReadAt for [u8] {
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

impl ReadAt for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(self.as_slice())
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        ReadAt::read_at(self.as_slice(), offset, buf)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: ReadAt + ?Sized> ReadAt for $pointer {
            fn len(&self) -> io::Result<u64> {
                (**self).len()
            }
            fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
                (**self).read_at(offset, buf)
            }
            fn has(&self, range: &Range<u64>) -> bool {
                (**self).has(range)
            }
        }
    )*};
}

forward!(&T, Arc<T>, Box<T>);
