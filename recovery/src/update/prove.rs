//! Proves what is in a slot by reading all of it back and hashing it ourselves.
//!
//! On a device the kernel's dm-verity does this (it is what will read the slot later); here is the same proof
//! for places without device-mapper: the crash simulator, the build host, a dry run.

use crate::error::Error;
use drydock_block::{AlignedBuffer, BlockDevice};
use drydock_bundle::tree::{self, BLOCK, GROUP, Hasher};
use drydock_bundle::{Digest, Image};

/// Reads the upper levels of a slot's hash tree and proves them against the image's root hash. Gives their
/// bytes and the digests of all groups.
pub fn read_groups(
    slot: &dyn BlockDevice,
    image: &Image,
    label: &str,
) -> Result<(Vec<u8>, Vec<Digest>), Error> {
    let len = image.tree().groups_size() as usize;
    let mut upper = AlignedBuffer::new(len);
    if len > 0 {
        let read_error = Error::system("reading the hash tree of", label, "check the disk");
        slot.read_at(image.size, &mut upper).map_err(read_error)?;
    }
    let groups = tree::group_digests(image, &upper).map_err(|e| Error::NotProven {
        what: format!("slot {label}"),
        why: format!("the upper levels of its hash tree are wrong ({e})"),
    })?;
    Ok((upper.to_vec(), groups))
}

/// Reads image and hash tree back, and compares every block with the root hash.
pub fn by_reading(slot: &dyn BlockDevice, image: &Image, label: &str) -> Result<(), Error> {
    let read_error = || Error::system("reading back", label, "the disk may be failing; the old system stays");
    slot.drop_caches().map_err(read_error())?;
    let (upper, groups) = read_groups(slot, image, label)?;
    let hasher = Hasher::new(&image.salt);
    let mut data = AlignedBuffer::new(GROUP);
    let mut leaf = AlignedBuffer::new(BLOCK);
    for (index, digest) in groups.iter().enumerate() {
        let start = (index * GROUP) as u64;
        let data = &mut data[..GROUP.min((image.size - start) as usize)];
        slot.read_at(start, data).map_err(read_error())?;
        slot.read_at(image.size + (upper.len() + index * BLOCK) as u64, &mut leaf).map_err(read_error())?;
        if hasher.leaf_block(data)[..] != leaf[..] || hasher.digest(&leaf) != *digest {
            return Err(Error::NotProven {
                what: format!("slot {label}"),
                why: format!("the 512 KiB at {start} do not have their signed digest"),
            });
        }
    }
    Ok(())
}
