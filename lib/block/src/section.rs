use crate::device::check_range;
use crate::{BlockDevice, Flush, SectorSize};
use std::io;

/// A part of another device: a partition, or a slot without its trailer.
#[derive(Clone, Debug)]
pub struct Section<D> {
    device: D,
    start: u64,
    size: u64,
}

impl<D: BlockDevice> Section<D> {
    /// The `size` bytes of `device` that begin at byte `start`. Both must be multiples of the sector size,
    /// and the section must lie within the device.
    pub fn new(device: D, start: u64, size: u64) -> io::Result<Self> {
        check_range(device.size(), device.sector_size(), start, size)?;
        Ok(Self { device, start, size })
    }

    fn absolute(&self, offset: u64, len: u64) -> io::Result<u64> {
        check_range(self.size, self.device.sector_size(), offset, len)?;
        Ok(self.start + offset)
    }
}

impl<D: BlockDevice> BlockDevice for Section<D> {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.device.sector_size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.device.read_at(self.absolute(offset, buf.len() as u64)?, buf)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.device.write_at(self.absolute(offset, buf.len() as u64)?, buf)
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.device.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.device.discard(self.absolute(offset, len)?, len)
    }
    fn drop_caches(&self) -> io::Result<()> {
        self.device.drop_caches()
    }
}
