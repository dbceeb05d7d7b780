//! Extents as they are found, in the order of the content.

use crate::error::damaged;
use crate::image::Image;
use crate::{Error, Extent};

/// The extents of one file so far.
pub(crate) struct Extents<'a> {
    image: &'a Image<'a>,
    found: Vec<Extent>,
    /// Where in the file the last one ends.
    end: u64,
}

impl<'a> Extents<'a> {
    pub(crate) fn new(image: &'a Image<'a>) -> Self {
        Self { image, found: Vec::new(), end: 0 }
    }

    /// Adds `len` bytes at byte `at` of the image, which unpack, if they are packed, to `content` bytes from `offset` of the
    /// file on. What follows the last one on both sides becomes a part of it.
    pub(crate) fn push(&mut self, offset: u64, content: u64, at: u64, len: u64) -> Result<(), Error> {
        if len == 0 {
            return Ok(());
        }
        if offset < self.end {
            return damaged(format!("two extents hold byte {offset} of one file"));
        }
        if !self.image.holds(at, len) {
            return damaged(format!("an extent lies beyond its end, at byte {at}"));
        }
        let follows = offset == self.end;
        self.end = offset.saturating_add(content);
        match self.found.last_mut() {
            Some(last) if follows && last.at + last.len == at => last.len += len,
            _ => {
                self.image.keep_extent()?;
                self.found.push(Extent { offset, at, len });
            }
        }
        Ok(())
    }

    /// Adds bytes that are content as they are, as far as the file of `size` bytes reaches.
    pub(crate) fn push_plain(&mut self, size: u64, offset: u64, at: u64, len: u64) -> Result<(), Error> {
        let len = len.min(size.saturating_sub(offset));
        self.push(offset, len, at, len)
    }

    pub(crate) fn finish(self) -> Vec<Extent> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_and_nothing_lies_twice_or_outside() {
        let bytes = vec![0_u8; 100];
        let image = Image::new(&bytes).unwrap();
        let mut extents = Extents::new(&image);
        extents.push_plain(80, 0, 10, 10).unwrap();
        extents.push_plain(80, 10, 20, 10).unwrap();
        extents.push_plain(80, 30, 30, 10).unwrap();
        assert!(extents.push_plain(80, 39, 60, 10).is_err());
        assert!(extents.push_plain(80, 40, 95, 6).is_err());
        extents.push_plain(80, 79, 90, 10).unwrap();
        extents.push_plain(80, 90, 10, 10).unwrap();
        let extent = |offset, at, len| Extent { offset, at, len };
        assert_eq!(extents.finish(), [extent(0, 10, 20), extent(30, 30, 10), extent(79, 90, 1)]);
    }
}
