//! The file on its partition: found without mounting it, read as a whole, written in place.

use super::env::{ENV_SIZE, WHAT};
use crate::bootloader::fat;
use crate::error::Error as StateError;
use drydock_block::{BlockDevice, Error, Flush, read_vec};
use std::ops::Range;

/// The file `BGENV.DAT` in the root folder of a FAT.
#[derive(Debug)]
pub(super) struct File<D> {
    device: D,
    len: u32,
    ranges: Vec<Range<u64>>,
}

impl<D: BlockDevice> File<D> {
    /// Finds it. One of another size has no ranges.
    pub(super) fn find(device: D) -> Result<Self, Error> {
        let file = fat::find(&device, b"BGENV   DAT")?;
        let known = file.len as usize == ENV_SIZE;
        let ranges = if known { fat::ranges(&device, &file)? } else { Vec::new() };
        Ok(Self { device, len: file.len, ranges })
    }

    /// Refuses what another EFI Boot Guard made.
    pub(super) fn check_size(&self) -> Result<(), StateError> {
        if self.len as usize == ENV_SIZE {
            return Ok(());
        }
        Err(StateError::Refused(format!(
            "BGENV.DAT has {} bytes, and this drydock knows EFI Boot Guard's environment with {ENV_SIZE} bytes; nothing is \
             written to it. Install an EFI Boot Guard that has it so, or a later drydock",
            self.len
        )))
    }

    /// Reads all of it.
    pub(super) fn read(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(ENV_SIZE);
        for range in &self.ranges {
            let piece = read_vec(&self.device, range.start, (range.end - range.start) as usize);
            bytes.extend(piece.map_err(|source| Error::Read { what: WHAT, source })?);
        }
        Ok(bytes)
    }

    /// Writes the sectors in which `new` differs from `old`, which is what is there. On return they are on stable storage and
    /// were read back. Where nothing differs, nothing is done.
    pub(super) fn write(&self, old: &[u8], new: &[u8]) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        let write_error = |source| Error::Write { what: WHAT, source };
        let mut at = 0;
        for range in &self.ranges {
            let len = (range.end - range.start) as usize;
            self.write_range(range.start, &old[at..at + len], &new[at..at + len]).map_err(write_error)?;
            at += len;
        }
        self.device.flush(Flush::BootEnvironment).map_err(write_error)?;
        self.device.drop_caches().map_err(|source| Error::Read { what: WHAT, source })?;
        if self.read()? == new { Ok(()) } else { Err(Error::ReadBack { what: WHAT }) }
    }

    fn write_range(&self, start: u64, old: &[u8], new: &[u8]) -> std::io::Result<()> {
        let size = self.device.sector_size();
        let (first, step) = (size.round_down(start), size.as_usize());
        let within = (start - first) as usize;
        let sectors = (within + new.len()).div_ceil(step);
        let part = |n: usize| {
            let from = (n * step).saturating_sub(within);
            from..((n + 1) * step - within).min(new.len())
        };
        for n in (0..sectors).filter(|&n| old[part(n)] != new[part(n)]) {
            let (at, part) = (first + (n * step) as u64, part(n));
            let mut sector = vec![0; step];
            self.device.read_at(at, &mut sector)?;
            let offset = if n == 0 { within } else { 0 };
            sector[offset..offset + part.len()].copy_from_slice(&new[part]);
            self.device.write_at(at, &sector)?;
        }
        Ok(())
    }
}
