//! What lies on a disk: partition table, the boot environment's filesystem, LUKS headers.

use crate::options::options;
use drydock_block::{BlockDevice, Flush, MemoryDevice, SectorSize, check_range, crc32};
use drydock_engine::volume::torn::{journal, superblock};
use drydock_gpt::read as read_gpt;
use drydock_luks::{Limits, Volume, parse};
use drydock_state::fat::find;
use sha2::{Digest, Sha256};
use std::io;

/// The first byte says how large sectors are and whether the first header is to be mended; the backup always is.
pub(crate) fn gpt(data: &[u8]) -> bool {
    let (options, disk) = options(data);
    let sector = if options & 1 == 0 { SectorSize::S512 } else { SectorSize::S4096 };
    let mut disk = disk.to_vec();
    let _ = read_gpt(&MemoryDevice::from_bytes(disk.clone(), sector));
    let sectors = disk.len() / sector.as_usize();
    if options & 2 == 0 {
        mend_gpt(&mut disk, 1, sector.as_usize());
    }
    mend_gpt(&mut disk, sectors.saturating_sub(1), sector.as_usize());
    let size = disk.len() as u64;
    let Ok(table) = read_gpt(&MemoryDevice::from_bytes(disk, sector)) else { return false };
    for partition in &table.partitions {
        let end = partition.start.checked_add(partition.len);
        assert!(end.is_some_and(|end| end <= size), "{partition:?} leaves the disk");
    }
    true
}

/// Makes the two checksums of the header in sector `lba` fit (UEFI 2.10, 5.3.2), where there is room for them.
fn mend_gpt(disk: &mut [u8], lba: usize, sector: usize) {
    let Some(header) = disk.get(lba * sector..(lba + 1) * sector) else { return };
    let word =
        |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    let (length, array_lba, entries) = (word(12), word(72), word(80).saturating_mul(word(84)));
    let array = array_lba.checked_mul(sector).and_then(|at| disk.get(at..at.checked_add(entries)?));
    let array_sum = array.map(crc32);
    let header = &mut disk[lba * sector..(lba + 1) * sector];
    if let Some(sum) = array_sum {
        header[88..92].copy_from_slice(&sum.to_le_bytes());
    }
    header[16..20].fill(0);
    if let Some(covered) = header.get(..length) {
        let sum = crc32(covered);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The bytes are the start of a filesystem of 64 MiB; what follows is zeros.
pub(crate) fn fat(data: &[u8]) -> bool {
    let device = Start { bytes: data, size: 64 << 20 };
    let Ok(file) = find(&device, b"GRUBENV    ") else { return false };
    assert!(file.offset + u64::from(file.cluster) <= device.size(), "{file:?} leaves the filesystem");
    true
}

/// The first byte says how large sectors are; the rest is the start of a filesystem, and zeros follow. What is mended once
/// is whole.
pub(crate) fn ext4(data: &[u8]) -> bool {
    let (options, image) = options(data);
    let sector = if options & 1 == 0 { SectorSize::S512 } else { SectorSize::S4096 };
    let mut image = image.to_vec();
    image.resize(image.len().next_multiple_of(64 << 10), 0);
    let device = MemoryDevice::from_bytes(image, sector);
    let mended = [superblock::mend(&device), journal::mend(&device)].map(|mended| mended.unwrap_or(false));
    for again in [superblock::mend(&device), journal::mend(&device)] {
        assert!(!again.unwrap_or(false), "something is mended again and again");
    }
    mended.contains(&true)
}

/// The bytes are an image. What is said of its files is inside of it.
pub(crate) fn trees(data: &[u8]) -> bool {
    let Ok(Some(tree)) = drydock_trees::read(&data) else { return false };
    for file in &tree.files {
        let mut end = 0;
        for extent in &file.extents {
            assert!(extent.at.saturating_add(extent.len) <= data.len() as u64, "{extent:?} leaves the image");
            assert!(end <= extent.offset && extent.offset < file.size, "{extent:?} is not in order");
            end = extent.offset + 1;
        }
    }
    !tree.files.is_empty()
}

/// The bytes are the header; the rest of the volume is zeros.
pub(crate) fn luks1(data: &[u8]) -> bool {
    let parsed = parse::luks1_header(data).is_ok();
    open_luks(data) && parsed
}

/// An options byte, 512 bytes of binary header, then the metadata.
pub(crate) fn luks2(data: &[u8]) -> bool {
    let _ = parse::luks2_header(data, 0);
    let (options, rest) = options(data);
    let Some((fixed, text)) = rest.split_at_checked(512) else { return false };
    let mut first = vec![0; 0x4000];
    first[..512].copy_from_slice(fixed);
    let length = text.len().min(0x4000 - 4096);
    first[4096..4096 + length].copy_from_slice(&text[..length]);
    let mut second = first.clone();
    second[..6].copy_from_slice(b"SKUL\xba\xbe");
    second[256..264].copy_from_slice(&0x4000u64.to_be_bytes());
    if options & 1 != 0 {
        second[23] = second[23].wrapping_add(1);
    }
    mend_luks2(&mut first);
    mend_luks2(&mut second);
    if options & 2 != 0 {
        first[4096] ^= 1;
    }
    let _ = parse::luks2_header(&second, 0x4000);
    open_luks(&[first, second].concat())
}

fn mend_luks2(header: &mut [u8]) {
    header[448..512].fill(0);
    let sum = Sha256::digest(&*header);
    header[448..480].copy_from_slice(&sum);
}

pub(crate) fn luks2_metadata(data: &[u8]) -> bool {
    parse::luks2_metadata(data).is_ok()
}

/// Opens a volume of 64 MiB and tries a key, with limits that a derivation keeps within milliseconds.
fn open_luks(start: &[u8]) -> bool {
    let device = Start { bytes: start, size: 64 << 20 };
    let limits = Limits { memory_kib: 64, argon2_work_mib: 1, pbkdf2_iterations: 2000 };
    let Ok(volume) = Volume::open(&device, &limits) else { return false };
    assert!(volume.unlock(b"not the key").is_err(), "a key slot of zeros was opened");
    true
}

/// A device that begins with `bytes` and is zeros from there on.
struct Start<'a> {
    bytes: &'a [u8],
    size: u64,
}

impl BlockDevice for Start<'_> {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        SectorSize::S512
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        check_range(self.size, self.sector_size(), offset, buf.len() as u64)?;
        buf.fill(0);
        let known =
            usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..)).unwrap_or_default();
        let length = known.len().min(buf.len());
        buf[..length].copy_from_slice(&known[..length]);
        Ok(())
    }
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn flush(&self, _: Flush) -> io::Result<()> {
        Ok(())
    }
    fn discard(&self, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
