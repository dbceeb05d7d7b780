//! Groups out of a delta: from what the device has already, and what the bundle carries for devices that have it.
//!
//! A delta promises nothing. Each group that it gives is proven by its digest like any other, and the frames of the whole
//! image take over where one is not right, where the base can't be read, or where the delta does not decode.

use crate::error::Error;
use crate::machine::{Device, Machine};
use crate::release::trusted_release;
use crate::update::plan::SlotPlan;
use drydock_block::{AlignedBuffer, BlockDevice};
use drydock_delta::{Index, decode};
use drydock_format::delta::MAX_INDEX;
use drydock_format::{Bundle, MemberBytes, ReadAt};
use drydock_state::SlotName;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A delta from a slot of this device to an image.
pub struct BaseDelta {
    index: Index,
    data: MemberBytes,
    base: Device,
    base_size: u64,
    /// The slot that it begins with.
    pub label: String,
    trouble: Mutex<Option<String>>,
}

impl BaseDelta {
    /// Returns the delta in a bundle that leads from what is in the other slot of the same class to the image that is
    /// planned, if there is one. An error says why it can't be used; that is no reason against the frames.
    pub fn find(
        machine: &impl Machine,
        bundle: &Bundle,
        target: SlotName,
        slot: &SlotPlan,
    ) -> Result<Option<Self>, Error> {
        if bundle.manifest().deltas.iter().all(|delta| delta.image != slot.image.name) {
            return Ok(None);
        }
        let from = target.other();
        // A slot that holds nothing is no base.
        let Ok(release) = trusted_release(machine, &slot.class, from) else { return Ok(None) };
        let image = release.image;
        let Some(delta) = bundle.manifest().delta(&slot.image.name, &image.root_hash) else {
            return Ok(None);
        };
        let (index, data) = (bundle.read_further(&delta.index, MAX_INDEX)?, bundle.bytes_of(&delta.data)?);
        let label = from.label(slot.class.partition());
        let unfit = |why: String| Error::NotProven {
            what: format!("the delta from {label}"),
            why,
            advice: "make the bundle anew",
        };
        let index =
            Index::parse(&index, data.len().unwrap_or(0)).map_err(|error| unfit(error.to_string()))?;
        if index.base_size != image.size || index.target_size != slot.image.size {
            return Err(unfit("it is for images of other sizes".into()));
        }
        let base = machine.base(&slot.class, from, &image)?;
        Ok(Some(Self { index, data, base, base_size: image.size, label, trouble: Mutex::new(None) }))
    }

    /// Returns how many sections there are.
    pub fn sections(&self) -> usize {
        self.index.sections.len()
    }

    /// Returns which groups a section gives.
    pub fn groups(&self, section: usize) -> Range<usize> {
        let Range { start, end } = self.index.groups(section);
        start as usize..end as usize
    }

    /// Returns where in the bundle the data lie that a section is decoded from.
    pub fn places(&self, section: usize) -> Range<u64> {
        let chain = self.index.chain(section);
        let start = self.index.data(chain.start).start;
        let end = self.index.data(chain.end.saturating_sub(1)).end;
        self.data.offset() + start..self.data.offset() + end
    }

    /// Returns whether these data are there: of a bundle that was fetched in part, some are not.
    pub fn has(&self, section: usize) -> bool {
        let Range { start, end } = self.places(section);
        self.data.has(&(start - self.data.offset()..end - self.data.offset()))
    }

    /// Returns where in a bundle the index of the delta lies that [`find`](Self::find) would read, if there is one.
    pub fn index_place(
        machine: &impl Machine,
        bundle: &Bundle,
        target: SlotName,
        slot: &SlotPlan,
    ) -> Option<Range<u64>> {
        let base = trusted_release(machine, &slot.class, target.other()).ok()?.image.root_hash;
        let delta = bundle.manifest().delta(&slot.image.name, &base)?;
        let index = bundle.bytes_of(&delta.index).ok()?;
        Some(index.offset()..index.offset() + index.len().ok()?)
    }

    /// Decodes a section into `sink`, which says whether it wants more. What goes wrong is remembered as
    /// [`trouble`](Self::trouble), and is no error: the frames take over.
    pub fn decode(&self, section: usize, sink: &mut dyn FnMut(&[u8]) -> bool) {
        let base = Window::new(&self.base, self.base_size);
        match decode(&self.index, section, &self.data, &base, sink) {
            Ok(None) | Err(drydock_delta::Error::Stopped) => (),
            Ok(Some(why)) | Err(why) => self.note(why.to_string()),
        }
    }

    /// Remembers why the delta could not give everything, if nothing is remembered yet.
    pub fn note(&self, why: String) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    /// Returns why the delta could not give everything.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How much of the base is read at once, and how many such pieces are kept: runs are short, and mostly follow each other.
const PIECE: usize = 64 << 10;
const KEPT: usize = 16;

/// A base that is read in large pieces, of which the last ones are kept.
struct Window<'d> {
    device: &'d Device,
    size: u64,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    start: u64,
    bytes: AlignedBuffer,
}

impl<'d> Window<'d> {
    fn new(device: &'d Device, size: u64) -> Self {
        Self { device, size, kept: Mutex::new(Vec::new()) }
    }

    /// Fills `buf` from one piece.
    fn read_piece(&self, start: u64, within: usize, buf: &mut [u8]) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.iter().position(|piece| piece.start == start) {
            Some(nth) => kept[..=nth].rotate_right(1),
            None => {
                let mut bytes = match kept.len() < KEPT {
                    true => AlignedBuffer::new(PIECE),
                    false => kept.pop().map_or_else(|| AlignedBuffer::new(PIECE), |oldest| oldest.bytes),
                };
                let len = (self.size - start).min(PIECE as u64) as usize;
                self.device.read_at(start, &mut bytes[..len])?;
                kept.insert(0, Kept { start, bytes });
            }
        }
        let bytes = kept.first().and_then(|piece| piece.bytes.get(within..within + buf.len()));
        buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl ReadAt for Window<'_> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64).filter(|&end| end <= self.size);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let within = (at % PIECE as u64) as usize;
            let (part, after) = rest.split_at_mut(rest.len().min(PIECE - within));
            self.read_piece(at - within as u64, within, part)?;
            at += part.len() as u64;
            rest = after;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::{MemoryDevice, SectorSize};
    use std::sync::Arc;

    #[test]
    fn a_base_reads_the_same_through_the_window_whatever_is_read() {
        let device = MemoryDevice::new(3 << 20, SectorSize::S4096);
        let bytes: Vec<u8> =
            (0..3u32 << 18).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
        device.write_at(0, &bytes).unwrap();
        let device: Device = Arc::new(device);
        let size = (3 << 20) - 8192;
        let window = Window::new(&device, size);
        let mut at = 1u64;
        for nth in 0..2000u64 {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(nth) % size;
            let mut buf = vec![0; (at as usize * 7 % 200_000).min((size - at) as usize)];
            window.read_at(at, &mut buf).unwrap();
            assert!(buf == bytes[at as usize..at as usize + buf.len()], "{at} {}", buf.len());
        }
        let mut beyond = [0; 2];
        assert_eq!(window.read_at(size - 1, &mut beyond).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
