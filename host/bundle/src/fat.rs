//! Small FAT filesystems, made in memory.

use crate::Error;
use drydock_block::{BlockDevice, SectorSize};
use fatfs::{Date, DateTime, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider, format_volume};
use std::io::{self, Cursor, Write};

/// All files are of the first moment that FAT knows, so that the same input gives the same bytes.
#[derive(Debug)]
struct Never;

static NEVER: Never = Never;

impl TimeProvider for Never {
    fn get_current_date(&self) -> Date {
        Date { year: 1980, month: 1, day: 1 }
    }
    fn get_current_date_time(&self) -> DateTime {
        DateTime { date: self.get_current_date(), time: Time { hour: 0, min: 0, sec: 0, millis: 0 } }
    }
}

/// Fills a partition with a FAT filesystem of one sector a cluster, and the files in it: paths with `/`, contents. Clusters
/// that are not in use are left as they are, and nothing is flushed. The same arguments always make the same bytes.
///
/// # Errors
/// The partition is too small or too large, or can't be written.
pub fn make(
    part: &impl BlockDevice,
    label: [u8; 11],
    volume_id: u32,
    files: &[(&str, Vec<u8>)],
) -> Result<(), Error> {
    let mut bytes = vec![0; part.size() as usize];
    let made = fill(&mut bytes, part.sector_size(), label, volume_id, files);
    let fat32 = bytes[82..].starts_with(b"FAT32");
    bytes.chunks_mut(part.sector_size().as_usize()).for_each(|sector| mend_dot_entries(sector, fat32));
    let failed =
        |what: &str, problem: io::Error| Error::Input { what: what.into(), problem: problem.to_string() };
    let used = made.map_err(|problem| failed("making a FAT filesystem", problem))?;
    part.write_at(0, &bytes[..used]).map_err(|problem| failed("writing a FAT filesystem", problem))
}

/// Returns how many bytes of the start are in use: all but the free clusters, which come last in a new filesystem.
fn fill(
    bytes: &mut [u8],
    sector_size: SectorSize,
    label: [u8; 11],
    volume_id: u32,
    files: &[(&str, Vec<u8>)],
) -> io::Result<usize> {
    let len = bytes.len();
    let mut volume = Cursor::new(bytes);
    let options = FormatVolumeOptions::new()
        .bytes_per_sector(sector_size.bytes() as u16)
        .bytes_per_cluster(sector_size.bytes())
        .volume_id(volume_id)
        .volume_label(label);
    format_volume(&mut volume, options)?;
    let fs = FileSystem::new(volume, FsOptions::new().time_provider(&NEVER))?;
    for (path, contents) in files {
        let mut dir = fs.root_dir();
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
            dir = dir.create_dir(folder)?;
        }
        let mut file = dir.create_file(name)?;
        file.write_all(contents)?;
        file.flush()?;
    }
    let free = fs.stats()?.free_clusters() as usize * fs.cluster_size() as usize;
    fs.unmount()?;
    Ok(len.saturating_sub(free))
}

/// The crate puts long names before a folder's entries `.` and `..`, which must come first and have none, and on FAT32
/// lets the `..` of a first-level folder point to the root's cluster instead of 0. Mends a sector with which
/// a folder begins.
fn mend_dot_entries(sector: &mut [u8], fat32: bool) {
    const ENTRY: usize = 32;
    const LONG_NAME: u8 = 0x0f;
    let long = |n: usize, sector: &[u8]| sector[n * ENTRY + 11] == LONG_NAME;
    if !sector[ENTRY..].starts_with(b".          \x10") || !long(0, sector) || !long(2, sector) {
        return;
    }
    sector.copy_within(ENTRY..2 * ENTRY, 0);
    sector.copy_within(3 * ENTRY.., ENTRY);
    let len = sector.len();
    sector[len - 2 * ENTRY..].fill(0);
    let first_cluster = &mut sector[ENTRY + 26..ENTRY + 28];
    if fat32 && *first_cluster == [2, 0] {
        first_cluster.fill(0);
    }
}
