//! Proves what is in a slot by reading all of it back.
//!
//! On a device the kernel's dm-verity hashes ([`by_verity`]): it is what will read the slot later. Where there
//! is no device-mapper (the crash simulator, the build host) we hash ourselves ([`by_reading`]).

use super::workers::{self, Progress};
use crate::error::Error;
use crate::event::{Events, Step};
use drydock_block::{AlignedBuffer, BlockDevice};
use drydock_bundle::tree::{self, BLOCK, GROUP, Hasher};
use drydock_bundle::{Digest, Image};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes in one read.
const READ: usize = 1 << 20;
/// Groups that are read at once where we hash ourselves.
const GROUPS_AT_ONCE: usize = 4;

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

/// Reads image and hash tree back with so many readers at once, and compares every block with the root hash.
pub fn by_reading(slot: &dyn BlockDevice, image: &Image, label: &str, readers: usize) -> Result<(), Error> {
    let read_error = || Error::system("reading back", label, "the disk may be failing; the old system stays");
    slot.drop_caches().map_err(read_error())?;
    let (upper, groups) = read_groups(slot, image, label)?;
    let hasher = Hasher::new(&image.salt);
    let next = AtomicU64::new(0);
    workers::run(readers, || {
        let mut data = AlignedBuffer::new(GROUPS_AT_ONCE * GROUP);
        let mut leaves = AlignedBuffer::new(GROUPS_AT_ONCE * BLOCK);
        loop {
            let first = next.fetch_add(GROUPS_AT_ONCE as u64, Ordering::Relaxed) as usize;
            let Some(groups) = groups.get(first..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            let groups = &groups[..groups.len().min(GROUPS_AT_ONCE)];
            let start = (first * GROUP) as u64;
            let data = &mut data[..(groups.len() * GROUP).min((image.size - start) as usize)];
            let leaves = &mut leaves[..groups.len() * BLOCK];
            slot.read_at(start, data).map_err(read_error())?;
            slot.read_at(image.size + (upper.len() + first * BLOCK) as u64, leaves).map_err(read_error())?;
            for (nth, (group, leaf)) in data.chunks(GROUP).zip(leaves.chunks(BLOCK)).enumerate() {
                if hasher.leaf_block(group)[..] != *leaf || hasher.digest(leaf) != groups[nth] {
                    let start = start + (nth * GROUP) as u64;
                    return Err(Error::NotProven {
                        what: format!("slot {label}"),
                        why: format!("the 512 KiB at {start} do not have their signed digest"),
                    });
                }
            }
        }
    })
}

/// Reads a whole device through dm-verity, which answers with an error wherever the medium does not have what
/// was signed. `device` must be opened for direct I/O, so that the bytes come from the medium.
pub fn by_verity(
    device: &dyn BlockDevice,
    label: &str,
    readers: usize,
    events: &dyn Events,
) -> Result<(), Error> {
    let next = AtomicU64::new(0);
    let progress = Progress::new(events, Step::Prove, label, device.size());
    workers::run(readers, || {
        let mut chunk = AlignedBuffer::new(READ);
        loop {
            let start = next.fetch_add(READ as u64, Ordering::Relaxed);
            let Some(rest) = device.size().checked_sub(start).filter(|&rest| rest > 0) else { return Ok(()) };
            let chunk = &mut chunk[..rest.min(READ as u64) as usize];
            device.read_at(start, chunk).map_err(|error| {
                // The others need not go on.
                next.store(device.size(), Ordering::Relaxed);
                Error::NotProven {
                    what: format!("slot {label}"),
                    why: format!("reading it back at {start}: {error}"),
                }
            })?;
            progress.advance(chunk.len() as u64);
        }
    })
}
