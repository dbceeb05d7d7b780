use crate::{Error, Limits, Volume};
use drydock_block::{BlockDevice, Flush, MemoryDevice, SectorSize};
use std::io;

/// The beginning of a LUKS2 volume, headers and key material, apart from its device.
///
/// It answers like a device of the full size on which nothing else is, so that [`Volume::open`] works on it.
pub struct Headers {
    bytes: MemoryDevice,
    size: u64,
}

impl Headers {
    /// What [`to_bytes`](Self::to_bytes) gave, for a device of `size` bytes. Nothing is checked.
    pub fn from_bytes(bytes: Vec<u8>, size: u64) -> Self {
        Self { bytes: MemoryDevice::from_bytes(bytes, SectorSize::S512), size }
    }

    pub(crate) fn blank(len: usize, size: u64) -> Self {
        Self::from_bytes(vec![0; len], size)
    }

    /// The bytes as they stand at the beginning of the device. Nothing in there is secret from whoever has not the
    /// key.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.snapshot()
    }

    /// The volume.
    pub fn volume(&self) -> Result<Volume<'_>, Error> {
        Volume::open(self, &Limits::new(u64::MAX))
    }
}

impl BlockDevice for Headers {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.bytes.sector_size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let there = self.bytes.size().saturating_sub(offset).min(buf.len() as u64);
        let (bytes, beyond) = buf.split_at_mut(there as usize);
        beyond.fill(0);
        if bytes.is_empty() { Ok(()) } else { self.bytes.read_at(offset, bytes) }
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.bytes.write_at(offset, buf)
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.bytes.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.bytes.discard(offset, len)
    }
}
