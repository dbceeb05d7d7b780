//! Finds one small file in the root folder of a FAT filesystem, without mounting it.
//!
//! Mounting FAT read-write writes its boot sector twice, which is the one sector that the firmware may need
//! first. So drydock walks the FAT itself and writes the file's sectors in place. Layout as in
//! Microsoft's "FAT: General Overview of On-Disk Format" (fatgen103), sections on the BPB and the directory structure.
//! That paper tells the type by the number of clusters; Linux, GRUB and fsck.fat take a volume without BPB_FATSz16 for
//! FAT32 however few clusters it has, and so does drydock. Only short names are looked at.

use drydock_block::Error;
use drydock_block::{BlockDevice, read_vec};
use std::ops::Range;

const WHAT: &str = "filesystem of the boot environment";
/// No sensible root folder has more entries: a bound for damaged chains.
const MAX_ENTRIES: usize = 4096;

/// Where a file's contents begin, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileExtent {
    /// Byte offset of the first byte on the device.
    pub offset: u64,
    /// The file's length in bytes. Only the first cluster is known to be contiguous.
    pub len: u32,
    /// Size of a cluster in bytes.
    pub cluster: u32,
    /// The number of the first cluster.
    first: u32,
}

/// Finds the file with the given short name (11 bytes, padded with spaces) in the root folder.
pub fn find(device: &(impl BlockDevice + ?Sized), short_name: &[u8; 11]) -> Result<FileExtent, Error> {
    let fat = Geometry::read(device)?;
    let mut seen = 0;
    let mut place = fat.root;
    loop {
        let (offset, len, next) = match place {
            Place::Region { offset, len } => (offset, len, None),
            // Only FAT32 keeps its root folder in a chain.
            Place::Cluster(n) => (fat.cluster_offset(n)?, fat.cluster, fat.next_cluster(device, n)?),
        };
        let table = read(device, offset, len as usize)?;
        for entry in table.as_chunks::<32>().0 {
            seen += 1;
            if entry[0] == 0 || seen > MAX_ENTRIES {
                return Err(damaged("the file is not in its root folder"));
            }
            // 0x08 is the volume label, and with it every part of a long name.
            if entry[..11] == short_name[..] && entry[11] & 0x18 == 0 {
                let high = if fat.fat32 { u32::from(le16(entry, 20)) } else { 0 };
                let first = (high << 16) | u32::from(le16(entry, 26));
                return Ok(FileExtent {
                    offset: fat.cluster_offset(first)?,
                    len: le32(entry, 28),
                    cluster: fat.cluster,
                    first,
                });
            }
        }
        place = Place::Cluster(next.ok_or_else(|| damaged("the file is not in its root folder"))?);
    }
}

/// Where all of a file's contents are, in order, in bytes on the device. Neighbours are one range.
///
/// Reads as many entries of the table as the file's length takes, so whoever asks looks at that first.
pub fn ranges(device: &(impl BlockDevice + ?Sized), file: &FileExtent) -> Result<Vec<Range<u64>>, Error> {
    let fat = Geometry::read(device)?;
    let (mut ranges, mut left, mut cluster): (Vec<Range<u64>>, _, _) = (Vec::new(), file.len, file.first);
    while left > 0 {
        let start = fat.cluster_offset(cluster)?;
        let len = left.min(fat.cluster);
        left -= len;
        match ranges.last_mut() {
            Some(last) if last.end == start => last.end += u64::from(len),
            _ => ranges.push(start..start + u64::from(len)),
        }
        if left > 0 {
            cluster = fat.next_cluster(device, cluster)?.ok_or_else(|| damaged("a file ends too early"))?;
        }
    }
    Ok(ranges)
}

#[derive(Clone, Copy)]
enum Place {
    Region { offset: u64, len: u32 },
    Cluster(u32),
}

struct Geometry {
    fat32: bool,
    cluster: u32,
    clusters: u32,
    fat_offset: u64,
    data_offset: u64,
    root: Place,
}

impl Geometry {
    fn read(device: &(impl BlockDevice + ?Sized)) -> Result<Self, Error> {
        let boot = read(device, 0, 512)?;
        if boot[510..512] != [0x55, 0xaa] {
            return Err(damaged("its boot sector has no signature"));
        }
        let sector = u32::from(le16(&boot, 11));
        let per_cluster = u32::from(boot[13]);
        if !matches!(sector, 512 | 1024 | 2048 | 4096) || !per_cluster.is_power_of_two() {
            return Err(damaged("its sector or cluster size makes no sense"));
        }
        let nonzero = |small: u16, large: u32| if small != 0 { u32::from(small) } else { large };
        let reserved = u32::from(le16(&boot, 14));
        let fats = u32::from(boot[16]);
        let root_entries = u32::from(le16(&boot, 17));
        let total = nonzero(le16(&boot, 19), le32(&boot, 32));
        let fat_size = nonzero(le16(&boot, 22), le32(&boot, 36));
        let root_sectors = (root_entries * 32).div_ceil(sector);
        let overhead = fats.checked_mul(fat_size).and_then(|n| n.checked_add(reserved));
        let first_data = overhead.and_then(|n| n.checked_add(root_sectors));
        let first_data = first_data.filter(|&n| n < total && reserved > 0 && fats > 0 && fat_size > 0);
        let first_data = first_data.ok_or_else(|| damaged("its areas do not fit into it"))?;
        if u64::from(total) * u64::from(sector) > device.size() {
            return Err(damaged("it is larger than its partition"));
        }
        let clusters = (total - first_data) / per_cluster;
        let fat32 = le16(&boot, 22) == 0;
        let bytes = |sectors: u32| u64::from(sectors) * u64::from(sector);
        let root = match fat32 {
            true => Place::Cluster(le32(&boot, 44)),
            false => Place::Region { offset: bytes(first_data - root_sectors), len: root_entries * 32 },
        };
        Ok(Self {
            fat32,
            cluster: sector * per_cluster,
            clusters,
            fat_offset: bytes(reserved),
            data_offset: bytes(first_data),
            root,
        })
    }

    fn cluster_offset(&self, cluster: u32) -> Result<u64, Error> {
        match cluster.checked_sub(2).filter(|&n| n < self.clusters) {
            Some(n) => Ok(self.data_offset + u64::from(n) * u64::from(self.cluster)),
            None => Err(damaged("a cluster number leaves it")),
        }
    }

    /// The cluster that comes after this one in its chain; none where that ends.
    fn next_cluster(&self, device: &(impl BlockDevice + ?Sized), cluster: u32) -> Result<Option<u32>, Error> {
        // The type of a FAT with a short table follows from the number of clusters.
        let (bits, end) = match (self.fat32, self.clusters < 4085) {
            (true, _) => (32, 0x0fff_fff8),
            (false, true) => (12, 0xff8),
            (false, false) => (16, 0xfff8),
        };
        let at = u64::from(cluster) * bits / 8;
        let entry = read(device, self.fat_offset + at, if bits == 32 { 4 } else { 2 })?;
        let next = match bits {
            32 => le32(&entry, 0) & 0x0fff_ffff,
            12 if cluster % 2 == 1 => u32::from(le16(&entry, 0) >> 4),
            12 => u32::from(le16(&entry, 0) & 0xfff),
            _ => u32::from(le16(&entry, 0)),
        };
        Ok((next < end).then_some(next))
    }
}

fn read(device: &(impl BlockDevice + ?Sized), offset: u64, len: usize) -> Result<Vec<u8>, Error> {
    read_vec(device, offset, len).map_err(|source| Error::Read { what: WHAT, source })
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from(le16(bytes, at)) | u32::from(le16(bytes, at + 2)) << 16
}

fn damaged(why: &str) -> Error {
    Error::Damaged { what: WHAT, why: why.to_owned() }
}
