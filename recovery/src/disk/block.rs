//! Block device nodes, read and written past the page cache.

use crate::answer::{Answer, Result};
use crate::sys;
use drydock_block::{BlockDevice, Flush, SectorSize, check_range, read_through, write_through};
use drydock_engine::Error;
use nix::libc;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// What a device is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only reading.
    ReadOnly,
    /// Reading and writing, also while something else has the device open.
    ReadWrite,
    /// Reading and writing, with nothing mounted on it and no other exclusive user. Refused otherwise.
    Exclusive,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "for reading",
            Self::ReadWrite => "for reading and writing",
            Self::Exclusive => "for nobody else to use",
        })
    }
}

/// A disk, a partition or a device-mapper device, read and written past the page cache.
///
/// A buffer that starts at a multiple of the sector size (an [`AlignedBuffer`](drydock_block::AlignedBuffer)) is transferred in place;
/// any other goes through aligned memory.
#[derive(Debug)]
pub struct DiskDevice {
    file: File,
    size: u64,
    sector_size: SectorSize,
}

impl DiskDevice {
    /// Opens a block device node.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let exclusive = if access == Access::Exclusive { libc::O_EXCL } else { 0 };
        let file = File::options()
            .read(true)
            .write(access != Access::ReadOnly)
            .custom_flags(libc::O_DIRECT | exclusive)
            .open(path)
            .map_err(Error::doing(format_args!("open {} {access}", path.display())))?;
        Self::from_file(file).map_err(Error::doing(format_args!("ask {} for its size", path.display())))
    }

    /// Opens it for as much as the disk gives: only for reading where it takes no writes.
    pub fn open_if_only_to_read(path: &Path, access: Access) -> Result<Self> {
        match Self::open(path, access) {
            Err(error) if error.refuses_writes() => Self::open(path, Access::ReadOnly),
            opened => opened,
        }
    }

    fn from_file(file: File) -> io::Result<Self> {
        if !file.metadata()?.file_type().is_block_device() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a block device"));
        }
        let sector_size = sys::sector_size(&file)?;
        let size = sys::size(&file)?;
        Ok(Self { size: sector_size.round_down(size), sector_size, file })
    }

    fn check(&self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.size, self.sector_size, offset, len)
    }
}

impl BlockDevice for DiskDevice {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.sector_size
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.check(offset, buf.len() as u64)?;
        let read = |buf: &mut [u8], at| self.file.read_exact_at(buf, at);
        read_through(self.sector_size.as_usize(), offset, buf, read)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.check(offset, buf.len() as u64)?;
        let write = |buf: &[u8], at| self.file.write_all_at(buf, at);
        write_through(self.sector_size.as_usize(), offset, buf, write)
    }
    fn flush(&self, _guard: Flush) -> io::Result<()> {
        self.file.sync_data()
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.check(offset, len)?;
        sys::discard(&self.file, offset, len)
    }
    fn drop_caches(&self) -> io::Result<()> {
        sys::flush_buffers(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_block_device_is_refused() {
        let file = tempfile::NamedTempFile::new_in(".").unwrap();
        let error = DiskDevice::open(file.path(), Access::ReadOnly).unwrap_err();
        assert!(error.to_string().contains("not a block device"), "{error}");
    }
}
