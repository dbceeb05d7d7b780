//! The image that is read, and what may be taken of it.

use crate::Error;
use crate::error::damaged;
use drydock_format::ReadAt;
use std::cell::Cell;

/// The most extents that all files of an image have together.
const MAX_EXTENTS: u64 = 4 << 20;
/// How often all of the image may be read. Of one that is whole, its metadata is read about once.
const MAX_READS: u64 = 4;
/// What may be read of the smallest image.
const LEAST_READS: u64 = 1 << 20;

/// An image, with an account of what was taken of it.
pub(crate) struct Image<'a> {
    bytes: &'a dyn ReadAt,
    len: u64,
    read: Cell<u64>,
    extents: Cell<u64>,
}

impl<'a> Image<'a> {
    pub(crate) fn new(bytes: &'a dyn ReadAt) -> Result<Self, Error> {
        let len = bytes.len().map_err(|source| Error::Read { what: "length", source })?;
        Ok(Self { bytes, len, read: Cell::new(0), extents: Cell::new(0) })
    }

    /// Whether these bytes are all inside of it.
    pub(crate) fn holds(&self, at: u64, len: u64) -> bool {
        at.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// Reads bytes, all of which must be inside of it, whatever `len` is.
    pub(crate) fn read(&self, at: u64, len: u64, what: &'static str) -> Result<Vec<u8>, Error> {
        if !self.holds(at, len) {
            return damaged(format!("its {what} lies beyond its end, at byte {at}"));
        }
        self.take(len)?;
        let size = usize::try_from(len).map_err(|_| Error::TooLarge { what, limit: usize::MAX as u64 })?;
        let mut bytes = vec![0; size];
        self.bytes.read_at(at, &mut bytes).map_err(|source| Error::Read { what, source })?;
        Ok(bytes)
    }

    /// Reads as many bytes as there are, `len` at most.
    pub(crate) fn head(&self, len: u64) -> Result<Vec<u8>, Error> {
        self.read(0, len.min(self.len), "beginning")
    }

    /// Accounts for bytes that are looked at, read now or before.
    pub(crate) fn take(&self, len: u64) -> Result<(), Error> {
        let limit = self.len.saturating_mul(MAX_READS).saturating_add(LEAST_READS);
        count(&self.read, len, "bytes of metadata", limit)
    }

    /// Accounts for an extent that is kept.
    pub(crate) fn keep_extent(&self) -> Result<(), Error> {
        count(&self.extents, 1, "extents", MAX_EXTENTS)
    }
}

/// Adds to what was counted so far.
fn count(counted: &Cell<u64>, more: u64, what: &'static str, limit: u64) -> Result<(), Error> {
    counted.set(counted.get().saturating_add(more));
    if counted.get() > limit { Err(Error::TooLarge { what, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_beyond_the_end_or_without_end() {
        let bytes = vec![7_u8; 100];
        let image = Image::new(&bytes).unwrap();
        assert_eq!(image.read(90, 10, "end").unwrap(), [7; 10]);
        assert_eq!(image.head(1 << 40).unwrap().len(), 100);
        for (at, len) in [(91, 10), (101, 0), (0, 101), (u64::MAX, 1), (1, u64::MAX)] {
            assert!(matches!(image.read(at, len, "end"), Err(Error::Damaged { .. })));
        }
        let reads = (0..).take_while(|_| image.read(0, 100, "all").is_ok()).count() as u64;
        assert_eq!(reads, MAX_READS + (LEAST_READS - 110) / 100);
    }
}
