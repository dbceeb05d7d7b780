//! Making old key slots and headers unreadable, before anything new is written.

use crate::header2::{self, MAGIC, SECOND_MAGIC};
use crate::open::Header;
use crate::slot2::AREA_ALIGN;
use crate::{Error, Limits, Volume};
use drydock_block::{BlockDevice, Flush, read_vec};
use std::ops::Range;

/// Stands where the second header will lie from the moment that a format begins until it is done.
const UNFINISHED: &[u8] = b"drydock: a format of this volume was begun and is not finished\n";
/// Where the mark of an unfinished format stands, in bytes: drydock's headers have 16 KiB.
const MARK: u64 = header2::SIZES[0];
/// Bytes that are read, and overwritten unless they are as they should be, at once.
const CHUNK: u64 = 64 * 1024;
/// What cryptsetup's and drydock's default layout keeps for headers and key slots, in bytes.
pub(crate) const DEFAULT_DATA_OFFSET: u64 = 16 << 20;
/// The most that the format has for them: two headers of 4 MiB, 128 MiB of key slots.
const LARGEST_DATA_OFFSET: u64 = 136 << 20;

/// Destroys all key slots: of a LUKS2 volume the key material first and then every mention of it in the
/// headers, which stay; of anything else, whatever lies where headers and key slots of LUKS can be. It works
/// without a key, on damaged headers too, and may be repeated.
///
/// On return no key material is on the medium, as far as overwriting can tell; a flash device may keep old copies that
/// only a discard gets rid of, so that the caller discards the payload as well.
pub fn erase(device: &dyn BlockDevice) -> Result<(), Error> {
    let Ok(mut volume) = Volume::open(device, &Limits::new(u64::MAX)) else {
        return wipe_headers(device, 0, &[]);
    };
    let Header::Luks2(luks2) = &volume.header else {
        return wipe_headers(device, 0, &[]);
    };
    if !luks2.metadata.all_within_area() {
        return wipe_headers(device, 0, &[]);
    }
    clear(device, luks2.metadata.area.clone(), &[])?;
    volume.forget_slots()
}

/// Wipes headers and key slots of whatever volume is on the device, up to `data_offset` at least, and every place
/// where a second LUKS2 header may lie: cryptsetup trusts a stale one with a higher sequence number over a new
/// first one. `mark` is written in place of the second header. Flushed on return.
pub(crate) fn wipe_headers(device: &dyn BlockDevice, data_offset: u64, mark: &[u8]) -> Result<(), Error> {
    let end = old_payload(device).max(data_offset).next_multiple_of(AREA_ALIGN).min(device.size());
    clear(device, 0..end, mark)?;
    for place in header2::SIZES.into_iter().filter(|&place| place >= end && place + 4096 <= device.size()) {
        clear(device, place..place + 4096, &[])?;
    }
    device.flush(Flush::LuksOldHeaderWiped).map_err(Error::io("flushing a wiped LUKS header"))
}

/// As [`wipe_headers`], leaving a mark, so that a wipe that comes after a cut of power covers as much as this one.
pub(crate) fn wipe_for_format(device: &dyn BlockDevice, data_offset: u64) -> Result<(), Error> {
    wipe_headers(device, data_offset, UNFINISHED)
}

/// Where the payload of the volume that is there now begins; a guess on the safe side if its header is not
/// understood.
fn old_payload(device: &dyn BlockDevice) -> u64 {
    if let Ok(volume) = Volume::open(device, &Limits::new(u64::MAX)) {
        return volume.payload().offset;
    }
    let starts_with = |place: u64, what: &[u8]| {
        place + 4096 <= device.size() && read_vec(device, place, what.len()).is_ok_and(|bytes| bytes == what)
    };
    let second = header2::SIZES.into_iter().any(|place| starts_with(place, SECOND_MAGIC));
    match second || starts_with(0, MAGIC) || starts_with(MARK, UNFINISHED) {
        true => LARGEST_DATA_OFFSET,
        false => DEFAULT_DATA_OFFSET,
    }
}

/// Zeros a range, except for `mark` at its place, writing only what is not so already. What can't be read is
/// written. Not flushed on return.
pub(crate) fn clear(device: &dyn BlockDevice, range: Range<u64>, mark: &[u8]) -> Result<(), Error> {
    let mut at = range.start;
    while at < range.end {
        let len = CHUNK.min(range.end - at) as usize;
        let mut wanted = vec![0; len];
        if !mark.is_empty() && (at..at + len as u64).contains(&MARK) {
            wanted[(MARK - at) as usize..][..mark.len()].copy_from_slice(mark);
        }
        if !read_vec(device, at, len).is_ok_and(|found| found == wanted) {
            device.write_at(at, &wanted).map_err(Error::io("wiping a LUKS header and its key slots"))?;
        }
        at += len as u64;
    }
    Ok(())
}
