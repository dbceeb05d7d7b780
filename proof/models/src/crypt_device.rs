use drydock_block::{BlockDevice, Flush, SectorSize, check_range};
use drydock_luks::{Error, Unlocked, Xts};
use std::io;
use zeroize::Zeroizing;

/// Bytes that are encrypted at once, so that memory stays bounded whatever the caller writes.
const CHUNK: usize = 1 << 20;

/// The payload of a LUKS volume, encrypted and decrypted in user space: what dm-crypt does, for tests, for
/// build hosts and for the simulated disk.
///
/// Its sector size is the larger one of the device's and the encryption's. Flushes and discards pass through; what
/// is read from a discarded range is noise.
pub struct CryptDevice<D> {
    device: D,
    cipher: Xts,
    start: u64,
    size: u64,
    encryption_sector: SectorSize,
    iv_offset: u64,
}

impl<D: BlockDevice> CryptDevice<D> {
    /// The payload of the volume on `device` that gave `unlocked`.
    pub fn new(device: D, unlocked: &Unlocked) -> Result<Self, Error> {
        let encryption_sector = unlocked.sector_size();
        let start = unlocked.payload_offset().bytes();
        let sector = device.sector_size().max(encryption_sector);
        let size = sector.round_down(unlocked.payload_size().bytes());
        if !device.sector_size().divides(start) || start + size > device.size() {
            return Err(Error::Invalid(format!(
                "a LUKS payload of {size} bytes at byte {start} does not fit this device"
            )));
        }
        let cipher = Xts::new(unlocked.volume_key()?)?;
        Ok(Self { device, cipher, start, size, encryption_sector, iv_offset: unlocked.iv_offset() })
    }

    fn absolute(&self, offset: u64, len: u64) -> io::Result<u64> {
        check_range(self.size, self.sector_size(), offset, len)?;
        Ok(self.start + offset)
    }

    fn sector_number(&self, offset: u64) -> u64 {
        self.iv_offset.wrapping_add(offset / 512)
    }
}

impl<D: BlockDevice> BlockDevice for CryptDevice<D> {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.device.sector_size().max(self.encryption_sector)
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.device.read_at(self.absolute(offset, buf.len() as u64)?, buf)?;
        self.cipher.decrypt(buf, self.encryption_sector, self.sector_number(offset));
        Ok(())
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        let start = self.absolute(offset, buf.len() as u64)?;
        let mut scratch = Zeroizing::new(vec![0; buf.len().min(CHUNK)]);
        for (chunk, at) in buf.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
            let scratch = &mut scratch[..chunk.len()];
            scratch.copy_from_slice(chunk);
            self.cipher.encrypt(scratch, self.encryption_sector, self.sector_number(offset + at));
            self.device.write_at(start + at, scratch)?;
        }
        Ok(())
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
