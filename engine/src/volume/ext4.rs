//! A fresh ext4 filesystem without `mkfs`: a small empty one, made on the build host and carried along
//! compressed, is written to the device and grown by the kernel once it is mounted.

use crate::error::Error;
use drydock_block::{AlignedBuffer, BlockDevice, Flush, uuid};
use std::io;

/// Empty filesystems, larger first, with the size that each one says it has. `assets/make.sh` makes them.
const TEMPLATES: [(u64, &[u8]); 2] = [
    (64 << 20, include_bytes!("../../assets/ext4-64m.zst")),
    (16 << 20, include_bytes!("../../assets/ext4-16m.zst")),
];
/// All metadata lie at the filesystem's start; a template ends where the free blocks begin.
const MAX_TEMPLATE: usize = 8 << 20;
const BLOCK_SIZE: u64 = 4096;
/// Where the superblock is.
pub(super) const SUPERBLOCK: usize = 1024;
/// Where a superblock has its checksum: at its end.
pub(super) const CHECKSUM: usize = 0x3fc;

/// What makes one filesystem different from the next.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The filesystem's UUID.
    pub uuid: [u8; 16],
    /// What folders' hashes are seeded with.
    pub hash_seed: [u8; 16],
}

impl Identity {
    /// A random identity, unlike that of any other device.
    pub fn random(random: impl FnOnce(&mut [u8]) -> io::Result<()>) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        random(&mut bytes).map_err(Error::doing("make up a filesystem's identity"))?;
        let (uuid, hash_seed) = bytes.split_at(16);
        let [uuid, hash_seed] = [uuid, hash_seed].map(|half| std::array::from_fn(|n| half[n]));
        Ok(Self { uuid: uuid::version_4(uuid), hash_seed })
    }
}

/// Writes an empty filesystem of 64 MiB, or 16 MiB on a smaller device. On return it is on stable storage;
/// mount it and have it grown. What was on the device is lost.
pub fn format(device: &(impl BlockDevice + ?Sized), identity: &Identity) -> Result<(), Error> {
    let Some((_, template)) = TEMPLATES.iter().find(|(size, _)| *size <= device.size()) else {
        return Err(Error::Unusable(format!(
            "a filesystem needs 16 MiB, and the volume has only {} bytes; make its partition larger",
            device.size()
        )));
    };
    let mut image = AlignedBuffer::new(MAX_TEMPLATE);
    let len = zstd_safe::decompress(&mut image[..], template).map_err(|code| {
        Error::Unusable(format!("unpack an empty filesystem: {}", zstd_safe::get_error_name(code)))
    })?;
    personalise(&mut image[SUPERBLOCK..2 * SUPERBLOCK], identity);
    let write = || {
        // The sector with the superblock's magic number goes last, and alone: until then there is nothing that could be
        // taken for a filesystem, and no cut can tear it from a half of the superblock that is not there yet.
        let first = BLOCK_SIZE as usize;
        let sector = device.sector_size().as_usize();
        let begin = SUPERBLOCK / sector * sector;
        let mut start = AlignedBuffer::new(first);
        start.copy_from_slice(&image[..first]);
        start[begin..begin + sector].fill(0);
        device.write_at(0, &start)?;
        device.write_at(BLOCK_SIZE, &image[first..len])?;
        device.flush(Flush::FilesystemWritten)?;
        device.write_at(begin as u64, &image[begin..begin + sector])?;
        device.flush(Flush::FilesystemWritten)
    };
    write().map_err(Error::doing("write an empty filesystem"))
}

/// Puts the identity into a superblock (1024 bytes) and makes its checksum right. Nothing else depends on
/// them, thanks to `metadata_csum_seed` and because there is no folder with a hash tree yet.
fn personalise(superblock: &mut [u8], identity: &Identity) {
    const UUID: usize = 0x68;
    const HASH_SEED: usize = 0xec;
    superblock[UUID..][..16].copy_from_slice(&identity.uuid);
    superblock[HASH_SEED..][..16].copy_from_slice(&identity.hash_seed);
    seal(superblock);
}

/// Whether this begins with a superblock of ext4 (1024 bytes) whose checksum is right.
pub fn is_whole(superblock: &[u8]) -> bool {
    superblock.len() >= SUPERBLOCK
        && superblock[0x38..0x3a] == [0x53, 0xef]
        && superblock[CHECKSUM..][..4] == crc32c(!0, &superblock[..CHECKSUM]).to_le_bytes()
}

/// Makes the checksum of a superblock (1024 bytes) right.
pub(super) fn seal(superblock: &mut [u8]) {
    let checksum = crc32c(!0, &superblock[..CHECKSUM]);
    superblock[CHECKSUM..][..4].copy_from_slice(&checksum.to_le_bytes());
}

/// CRC-32C as ext4 has it: begun with all ones, or with the checksum of what goes before, and not inverted at the end.
pub(super) fn crc32c(begin: u32, bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    bytes.iter().fold(begin, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc: u32, _| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::SectorSize;
    use drydock_files::FileDevice;
    use std::process::Command;

    #[test]
    fn crc32c_is_the_right_one() {
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
    }

    #[test]
    fn e2fsck_finds_nothing_wrong_and_the_identity_is_ours() {
        for (size, sector_size, blocks) in [
            (16 << 20, SectorSize::S512, 4096),
            (40 << 20, SectorSize::S4096, 4096),
            (100 << 20, SectorSize::S4096, 16384),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            // What was there before must not matter.
            std::fs::write(file.path(), vec![0xa5; 12 << 20]).unwrap();
            file.as_file().set_len(size).unwrap();
            let device = FileDevice::open(file.path(), sector_size).unwrap();
            let identity = Identity { uuid: [0xab; 16], hash_seed: [0xcd; 16] };
            format(&device, &identity).unwrap();

            let fsck = Command::new("/sbin/e2fsck").arg("-fn").arg(file.path()).output().unwrap();
            assert!(fsck.status.success(), "{fsck:?}");
            let shown = Command::new("/sbin/dumpe2fs").arg("-h").arg(file.path()).output().unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            let value = |key: &str| {
                let line = shown.lines().find(|line| line.starts_with(key)).unwrap();
                line.split_once(':').unwrap().1.trim().to_owned()
            };
            assert_eq!(value("Filesystem UUID"), "abababab-abab-abab-abab-abababababab");
            assert_eq!(value("Directory Hash Seed"), "cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd");
            assert_eq!(value("Block count"), blocks.to_string());
        }
    }

    #[test]
    fn a_device_that_is_too_small_is_left_alone() {
        let device = drydock_block::MemoryDevice::from_bytes(vec![7; 8 << 20], SectorSize::S512);
        let error = format(&device, &Identity { uuid: [0; 16], hash_seed: [0; 16] }).unwrap_err();
        assert!(error.to_string().contains("16 MiB"), "{error}");
        assert!(device.snapshot().iter().all(|&byte| byte == 7));
    }
}
