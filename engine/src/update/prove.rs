//! Proves what is in a slot by reading all of it back.
//!
//! On a device the kernel's dm-verity hashes ([`by_verity`]): it is what will read the slot later. Where there
//! is no device-mapper (the crash simulator, the build host) we hash ourselves ([`by_reading`]). Both go through the same
//! loop, which tells what is not what was signed from what can't be read: only the former is beyond hope.

use super::workers::{self, Progress};
use crate::error::Error;
use crate::event::{Events, Step};
use drydock_block::{AlignedBuffer, BlockDevice};
use drydock_format::tree::{BLOCK, GROUP, Hasher};
use drydock_format::{Digest, Image};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes in one read.
const READ: usize = 4 * GROUP;

/// Why a place in a slot is not proven.
enum Fault {
    /// It could not be read: what is there may be whole.
    Unreadable(io::Error),
    /// It is not what was signed.
    Corrupted(String),
}

/// Reads the upper levels of a slot's hash tree and proves them against the image's root hash. Returns their
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
    let groups = image
        .group_digests(&upper)
        .map_err(|e| not_proven(label, format!("the upper levels of its hash tree are wrong ({e})")))?;
    Ok((upper.to_vec(), groups))
}

/// Reads image and hash tree back with so many readers at once, and compares every block with the root hash.
pub fn by_reading(
    slot: &dyn BlockDevice,
    image: &Image,
    label: &str,
    readers: usize,
    events: &dyn Events,
) -> Result<(), Error> {
    slot.drop_caches().map_err(unreadable(label))?;
    let (upper, groups) = read_groups(slot, image, label)?;
    let hasher = Hasher::new(&image.salt);
    read_all(image.size, label, readers, events, |start, data| {
        let first = start as usize / GROUP;
        let mut leaves = AlignedBuffer::new(data.len().div_ceil(GROUP) * BLOCK);
        slot.read_at(start, data).map_err(Fault::Unreadable)?;
        let at = image.size + (upper.len() + first * BLOCK) as u64;
        slot.read_at(at, &mut leaves).map_err(Fault::Unreadable)?;
        for (nth, (group, leaf)) in data.chunks(GROUP).zip(leaves.chunks(BLOCK)).enumerate() {
            if hasher.leaf_block(group)[..] != *leaf || Some(&hasher.digest(leaf)) != groups.get(first + nth)
            {
                let at = start + (nth * GROUP) as u64;
                return Err(Fault::Corrupted(format!("the 512 KiB at {at} do not have their signed digest")));
            }
        }
        Ok(())
    })
}

/// Reads a whole device through dm-verity, which answers with an error wherever the medium does not have what
/// was signed, and where it can't be read; `is_corrupted` asks the mapping which it was. `device` must be opened for
/// direct I/O, so that the bytes come from the medium.
pub fn by_verity(
    device: &dyn BlockDevice,
    label: &str,
    readers: usize,
    events: &dyn Events,
    is_corrupted: impl Fn() -> bool + Sync,
) -> Result<(), Error> {
    read_all(device.size(), label, readers, events, |start, data| {
        device.read_at(start, data).map_err(|error| match is_corrupted() {
            true => {
                Fault::Corrupted(format!("a block within the {READ} bytes at {start} does not have its hash"))
            }
            false => Fault::Unreadable(error),
        })
    })
}

/// Hands each piece of so many bytes to a reader. One piece that is not what was signed settles it; what can't be read
/// is told only where no such piece was met.
fn read_all(
    size: u64,
    label: &str,
    readers: usize,
    events: &dyn Events,
    read: impl Fn(u64, &mut [u8]) -> Result<(), Fault> + Sync,
) -> Result<(), Error> {
    let next = AtomicU64::new(0);
    let fault = Mutex::new(None);
    let progress = Progress::new(events, Step::Prove, label, size);
    workers::run(readers, || {
        let mut piece = AlignedBuffer::new(READ);
        loop {
            let start = next.fetch_add(READ as u64, Ordering::Relaxed);
            let Some(rest) = size.checked_sub(start).filter(|&rest| rest > 0) else { return Ok(()) };
            let piece = &mut piece[..rest.min(READ as u64) as usize];
            if let Err(found) = read(start, piece) {
                // The others need not go on.
                next.store(size, Ordering::Relaxed);
                let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
                if fault.is_none() || matches!(found, Fault::Corrupted(_)) {
                    *fault = Some(found);
                }
                return Ok(());
            }
            progress.advance(piece.len() as u64);
        }
    })?;
    match fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(Fault::Unreadable(error)) => Err(unreadable(label)(error)),
        Some(Fault::Corrupted(why)) => Err(not_proven(label, why)),
    }
}

fn unreadable(label: &str) -> impl FnOnce(io::Error) -> Error {
    Error::system("reading back", label, "the disk may be failing, check it")
}

fn not_proven(label: &str, why: String) -> Error {
    Error::NotProven {
        what: format!("slot {label}"),
        why,
        advice: "check the disk, and install a bundle that carries this image",
    }
}
