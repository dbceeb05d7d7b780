use crate::{Flush, SectorSize};
use std::io;

/// A device of fixed size that is read and written in whole sectors.
///
/// All offsets and lengths are in bytes and must be multiples of [`sector_size`](Self::sector_size); an
/// implementation answers [`io::ErrorKind::InvalidInput`] where they are not or where the range leaves the
/// device. Methods take `&self`, so that one thread can read while another writes.
pub trait BlockDevice: Send + Sync {
    /// The size in bytes.
    fn size(&self) -> u64;

    /// The size of a logical sector: the unit that a cut of power leaves either old or new.
    fn sector_size(&self) -> SectorSize;

    /// Fills `buf` from `offset`. A short read is an error.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Writes all of `buf` at `offset`. On return nothing is promised to be on stable storage: that is
    /// what [`flush`](Self::flush) is for.
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()>;

    /// On return, everything written before is on stable storage. `guard` names the call site and with it
    /// the invariant that this flush protects.
    fn flush(&self, guard: Flush) -> io::Result<()>;

    /// Tells the device that a range is no longer needed. What is read from it afterwards is undefined, and
    /// a device that cannot discard answers [`io::ErrorKind::Unsupported`].
    fn discard(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Makes the next reads come from the medium instead of a cache above it, where there is one.
    fn drop_caches(&self) -> io::Result<()> {
        Ok(())
    }
}

macro_rules! through_a_pointer {
    ($($pointer:ty),+) => {$(
        impl<T: BlockDevice + ?Sized> BlockDevice for $pointer {
            fn size(&self) -> u64 {
                (**self).size()
            }
            fn sector_size(&self) -> SectorSize {
                (**self).sector_size()
            }
            fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
                (**self).read_at(offset, buf)
            }
            fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
                (**self).write_at(offset, buf)
            }
            fn flush(&self, guard: Flush) -> io::Result<()> {
                (**self).flush(guard)
            }
            fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
                (**self).discard(offset, len)
            }
            fn drop_caches(&self) -> io::Result<()> {
                (**self).drop_caches()
            }
        }
    )+};
}

through_a_pointer!(&T, Box<T>, std::sync::Arc<T>);

/// Checks a request, in bytes, against a device's size in bytes and its sectors.
pub fn check_range(size: u64, sector: SectorSize, offset: u64, len: u64) -> io::Result<()> {
    let aligned = sector.divides(offset) && sector.divides(len);
    match offset.checked_add(len) {
        Some(end) if end <= size && aligned => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "request for {len} bytes at {offset} on a device of {size} bytes with {sector}-byte sectors"
            ),
        )),
    }
}

/// Reads `len` bytes at any byte offset, rounding out to sectors and cutting the result down again.
pub fn read_vec(device: &(impl BlockDevice + ?Sized), offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let sector = device.sector_size();
    let start = sector.round_down(offset);
    let skip = (offset - start) as usize;
    let mut buf = vec![0; sector.round_up(skip + len)];
    device.read_at(start, &mut buf)?;
    buf.truncate(skip + len);
    buf.drain(..skip);
    Ok(buf)
}

/// Whether a buffer is all zeros.
pub fn is_zero(buf: &[u8]) -> bool {
    buf.iter().all(|&b| b == 0)
}

/// Whether a buffer holds nothing: all zeros, or all ones, as erased flash reads.
pub fn is_erased(buf: &[u8]) -> bool {
    is_zero(buf) || buf.iter().all(|&b| b == 0xff)
}
