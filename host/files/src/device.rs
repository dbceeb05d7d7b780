use drydock_block::{BlockDevice, Flush, SectorSize, check_range};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A regular file used as a disk: images on the build host, and tests.
#[derive(Debug)]
pub struct FileDevice {
    file: File,
    size: u64,
    sector_size: SectorSize,
}

impl FileDevice {
    /// Opens an existing file for reading and writing. Its size is cut down to whole sectors.
    pub fn open(path: &Path, sector_size: SectorSize) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Self::from_file(file, sector_size)
    }

    /// Creates a sparse file of `size` bytes, replacing what was there.
    pub fn create(path: &Path, size: u64, sector_size: SectorSize) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        file.set_len(size)?;
        Self::from_file(file, sector_size)
    }

    fn from_file(file: File, sector_size: SectorSize) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, size: sector_size.round_down(len), sector_size })
    }
}

impl BlockDevice for FileDevice {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.sector_size
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, buf.len() as u64)?;
        self.file.read_exact_at(buf, offset)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, buf.len() as u64)?;
        self.file.write_all_at(buf, offset)
    }
    fn flush(&self, _guard: Flush) -> io::Result<()> {
        self.file.sync_data()
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, len)?;
        use nix::fcntl::{FallocateFlags, fallocate};
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(&self.file, flags, offset.cast_signed(), len.cast_signed()).map_err(io::Error::from)
    }
}
