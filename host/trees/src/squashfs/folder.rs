//! Directories: runs of entries whose inodes are in the same block of metadata.

use super::Squashfs;
use super::inode::Listing;
use super::metadata::Place;
use crate::Error;
use crate::bytes::Fields;
use crate::error::damaged;
use crate::walk::Entries;

/// What a directory's size is more than that of its entries, for `.` and `..`, which are not there.
const NOT_THERE: u32 = 3;
/// The size of a run's header, and of an entry without its name, in bytes.
const HEADER: u32 = 12;
const ENTRY: u32 = 8;
/// The most entries of a run.
const MAX_RUN: u32 = 256;

impl Squashfs<'_> {
    pub(super) fn folder(&self, listing: &Listing) -> Result<Entries, Error> {
        let mut place = Self::place(self.folders, listing.block.into(), listing.offset)?;
        let mut left = listing.len.saturating_sub(NOT_THERE);
        let mut entries = Entries::default();
        while left > 0 {
            let header = self.part(&mut place, &mut left, HEADER)?;
            let fields = Fields(&header);
            let (count, block) = (fields.word(0), u64::from(fields.word(4)));
            if count >= MAX_RUN {
                return damaged(format!("a directory has {count} entries in a run"));
            }
            for _ in 0..=count {
                let entry = self.part(&mut place, &mut left, ENTRY)?;
                let fields = Fields(&entry);
                let name = self.part(&mut place, &mut left, u32::from(fields.half(6)) + 1)?;
                entries.push(&name, block << 16 | u64::from(fields.half(0)))?;
            }
        }
        Ok(entries)
    }

    /// The next `len` bytes of a directory that has so many left.
    fn part(&self, place: &mut Place, left: &mut u32, len: u32) -> Result<Vec<u8>, Error> {
        let Some(rest) = left.checked_sub(len) else {
            return damaged("a directory ends in the middle of an entry");
        };
        *left = rest;
        self.metadata.read(place, len as usize, "directories")
    }
}
