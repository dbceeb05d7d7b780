use crate::device::check_range;
use crate::{BlockDevice, Flush, SectorSize};
use std::io;
use std::sync::{Mutex, PoisonError};

/// A disk in memory, for tests that need no faults.
#[derive(Debug)]
pub struct MemoryDevice {
    bytes: Mutex<Vec<u8>>,
    size: u64,
    sector_size: SectorSize,
}

impl MemoryDevice {
    /// A disk of zeros. `size` is in bytes, and must be whole sectors.
    pub fn new(size: u64, sector_size: SectorSize) -> Self {
        Self::from_bytes(vec![0; size as usize], sector_size)
    }

    /// A disk with the given contents, cut down to whole sectors.
    pub fn from_bytes(mut bytes: Vec<u8>, sector_size: SectorSize) -> Self {
        bytes.truncate(sector_size.round_down(bytes.len() as u64) as usize);
        Self { size: bytes.len() as u64, bytes: Mutex::new(bytes), sector_size }
    }

    /// A copy of the whole contents.
    pub fn snapshot(&self) -> Vec<u8> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlockDevice for MemoryDevice {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.sector_size
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, buf.len() as u64)?;
        buf.copy_from_slice(&self.lock()[offset as usize..][..buf.len()]);
        Ok(())
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, buf.len() as u64)?;
        self.lock()[offset as usize..][..buf.len()].copy_from_slice(buf);
        Ok(())
    }
    fn flush(&self, _guard: Flush) -> io::Result<()> {
        Ok(())
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, len)?;
        self.lock()[offset as usize..][..len as usize].fill(0);
        Ok(())
    }
}
