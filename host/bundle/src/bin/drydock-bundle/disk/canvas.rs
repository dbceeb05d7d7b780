//! The disk image while it is made: a sparse file that knows what was put into it.
//!
//! Whoever flashes by a map of the image, as bmaptool does, leaves what is not mapped as it was: noise of a former life,
//! or the ones of an erased eMMC. So zeros that somebody will read are written like any other bytes, and the map is made
//! from what was written here, not from what a filesystem on the build host chose to store.

use super::labels::STATE;
use super::layout::Layout;
use drydock_block::{BlockDevice, Flush, Section, SectorSize};
use drydock_files::FileDevice;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What is written of every partition's start, and of the disk's start and end, where the partition tables are. `data`
/// is blank if this much of it is; the stash begins here; so does any filesystem of a former life.
const EDGE: u64 = 1 << 20;
/// What is written of every partition's end: a slot's footer, and the mark of an unfinished `data`.
const TAIL: u64 = 4096;

/// A disk image that is being written.
pub(super) type Disk = Arc<Canvas>;
/// A partition of it.
pub(super) type Part = Section<Disk>;

/// A disk image that is being written.
pub(super) struct Canvas {
    file: FileDevice,
    written: Mutex<Vec<Range<u64>>>,
}

impl Canvas {
    /// Creates the file, and writes the zeros that the device relies on whatever else comes there.
    pub(super) fn create(path: &Path, layout: &Layout) -> io::Result<Self> {
        let file = FileDevice::create(path, layout.disk_size, layout.sector_size)?;
        let canvas = Self { file, written: Mutex::default() };
        canvas.zero(0..EDGE)?;
        canvas.zero(layout.disk_size - EDGE..layout.disk_size)?;
        for part in &layout.partitions {
            let end = part.start + part.size;
            // A record of a former life must not be found anywhere in `state`.
            let head = if part.label == STATE { part.size } else { EDGE.min(part.size) };
            canvas.zero(part.start..part.start + head)?;
            canvas.zero(end - TAIL..end)?;
        }
        Ok(canvas)
    }

    fn zero(&self, range: Range<u64>) -> io::Result<()> {
        self.write_at(range.start, &vec![0; (range.end - range.start) as usize])
    }

    /// What was written, in whole blocks of `block` bytes, in order and without gaps or overlaps between neighbours.
    pub(super) fn written(&self, block: u64) -> Vec<Range<u64>> {
        let mut all = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in all {
            let (start, end) = (range.start / block * block, range.end.next_multiple_of(block));
            match merged.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => merged.push(start..end),
            }
        }
        merged
    }
}

impl BlockDevice for Canvas {
    fn size(&self) -> u64 {
        self.file.size()
    }
    fn sector_size(&self) -> SectorSize {
        self.file.sector_size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, buf)?;
        let range = offset..offset + buf.len() as u64;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(range);
        Ok(())
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.file.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.file.discard(offset, len)
    }
}
