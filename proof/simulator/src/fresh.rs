//! What became of a `data` that was blank when the device left the workshop, found without asking drydock.

use crate::disk::SimDisk;
use crate::machine::ext4;
use crate::workshop::{DATA_KEY, Workshop};
use drydock_block::{BlockDevice, read_vec};
use drydock_engine::machine::Device;
use drydock_luks::{Limits, Volume};
use drydock_models::CryptDevice;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// What stands in the last block of a volume that is not finished.
const MARK: &[u8] = b"drydock: this volume is being made and holds nothing of value\n";
const BLOCK: u64 = 4096;
/// So much of a blank partition is erased.
const ERASED: usize = 1 << 20;
/// What is different in each filesystem: the UUID, the seed of the folders' hashes, the superblock's checksum.
const OWN: [Range<usize>; 3] = [0x468..0x478, 0x4ec..0x4fc, 0x7fc..0x800];

/// The filesystem that is put on a small volume.
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let packed = include_bytes!("../../../engine/assets/ext4-16m.zst");
    let mut bytes = vec![0; 8 << 20];
    let len = zstd_safe::decompress(&mut bytes[..], packed).expect("the template is whole");
    bytes.truncate(len);
    OWN.into_iter().for_each(|range| bytes[range].fill(0));
    bytes
});

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// Nothing yet.
    Blank,
    /// It is being made.
    Unfinished,
    /// It is a volume with an empty filesystem; the number is its identity.
    Whole(u64),
    /// Anything else.
    Broken(String),
}

/// Looks at `data`.
pub fn look(workshop: &Workshop, disk: &Arc<SimDisk>) -> Fresh {
    let partition = workshop.partition(disk, "data").expect("there is a data partition");
    let last = partition.size() / BLOCK * BLOCK - BLOCK;
    let start = read_vec(&partition, 0, ERASED).expect("the disk is sound");
    let end = read_vec(&partition, last, BLOCK as usize).expect("the disk is sound");
    let has_filesystem = !workshop.setup.data.is_encrypted() && ext4::is_ext4(&partition);
    if end.starts_with(MARK) && !has_filesystem {
        return Fresh::Unfinished;
    }
    if [0, 0xff].contains(&start[0]) && start.iter().all(|byte| *byte == start[0]) {
        return Fresh::Blank;
    }
    match open(workshop, partition).and_then(|(key, inside)| is_whole(&key, &inside)) {
        Ok(identity) => Fresh::Whole(identity),
        Err(why) => Fresh::Broken(why),
    }
}

/// The identity of the volume, if there is one: its key and its filesystem's UUID.
pub fn identity(workshop: &Workshop, disk: &Arc<SimDisk>) -> Option<u64> {
    let partition = workshop.partition(disk, "data")?;
    let (key, inside) = open(workshop, partition).ok()?;
    let uuid = read_vec(&inside, 0, OWN[0].end.next_multiple_of(BLOCK as usize)).ok()?;
    ext4::is_ext4(&inside).then(|| sum(&key, &uuid[OWN[0].clone()]))
}

/// The volume key, and what is inside; of a volume in the clear, no key and the partition.
fn open(workshop: &Workshop, partition: Device) -> Result<(Vec<u8>, Device), String> {
    if !workshop.setup.data.is_encrypted() {
        return Ok((Vec::new(), partition));
    }
    let error = |error: drydock_luks::Error| error.to_string();
    let volume = Volume::open(&partition, &Limits::new(u64::MAX)).map_err(error)?;
    let unlocked = volume.unlock(DATA_KEY).map_err(error)?;
    let key = unlocked.volume_key().map_err(error)?.to_vec();
    Ok((key, Arc::new(CryptDevice::new(partition, &unlocked).map_err(error)?)))
}

fn is_whole(key: &[u8], filesystem: &dyn BlockDevice) -> Result<u64, String> {
    ext4::mount(filesystem)?;
    let mut bytes = read_vec(filesystem, 0, TEMPLATE.len()).map_err(|error| error.to_string())?;
    let identity = sum(key, &bytes[OWN[0].clone()]);
    OWN.into_iter().for_each(|range| bytes[range].fill(0));
    let differs = bytes.iter().zip(TEMPLATE.iter()).position(|(found, expected)| found != expected);
    if bytes == *TEMPLATE {
        Ok(identity)
    } else {
        Err(format!("its filesystem is another one from byte {} on", differs.unwrap_or_default()))
    }
}

fn sum(key: &[u8], uuid: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, uuid).hash(&mut hasher);
    hasher.finish()
}
