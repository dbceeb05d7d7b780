//! Where an uploaded bundle goes: to a file on `data`, to the partition `stash`, or to memory.
//!
//! Each is a [`Keep`], so what is there is claimed in the same way, and an upload that was cut short is gone on with.

use crate::error::Error;
use crate::fetch::holes::Claim;
use crate::fetch::{Keep, UPLOADED};
use crate::machine::{Device, Machine};
use crate::reset::stash::Stash;
use drydock_block::{Flush, read_vec};
use drydock_format::ReadAt;
use drydock_state::Source;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The partition that uploads go to where `data` can't be had.
const STASH: &str = "stash";
/// What the two places for claims at the end of a raw partition have each, in bytes.
const PLACE: usize = 4096;

/// A place for a bundle. A clone is the same place.
#[derive(Clone)]
pub struct Landing {
    /// What it is called for a person.
    pub name: &'static str,
    /// What an intent calls it.
    pub source: Source,
    /// What is there.
    pub keep: Arc<dyn Keep>,
}

/// Returns the places that there are now, the best one first. `on_data` is [`UPLOADED`] on the data volume, where that is
/// mounted for writing; `memory` is the last resort.
///
/// `stash` is one of them unless a factory reset has something in it that is kept nowhere else.
pub fn landings(
    machine: &impl Machine,
    on_data: Option<Arc<dyn Keep>>,
    memory: Option<Arc<Memory>>,
) -> Vec<Landing> {
    let data = on_data.map(|keep| {
        let source = Source::Data { path: UPLOADED.into() };
        Landing { name: "data", source, keep }
    });
    let stash = raw(machine).map(|keep| {
        let source = Source::Partition { label: STASH.into() };
        Landing { name: "stash", source, keep: Arc::new(keep) }
    });
    let memory =
        memory.map(|keep| Landing { name: "memory (until power off)", source: Source::Memory, keep });
    data.into_iter().chain(stash).chain(memory).collect()
}

fn raw(machine: &impl Machine) -> Option<Raw> {
    let partition = machine.partition(STASH).ok()?;
    // What can't be read is not overwritten either.
    let is_free = Stash::read(&partition).is_ok_and(|found| found.is_none());
    is_free.then(|| Raw::new(partition))
}

/// A bundle at the beginning of a raw partition. The last two blocks of 4,096 bytes have its claim, in turn: a number that
/// grows (u64, little endian), and the claim.
pub struct Raw {
    device: Device,
    length: AtomicU64,
}

impl Raw {
    /// Returns what is on a partition.
    pub fn new(device: Device) -> Self {
        let raw = Self { device, length: AtomicU64::new(0) };
        let claim = raw.newest().and_then(|(_, claim)| Claim::decode(&claim).ok());
        raw.length.store(claim.map_or(0, |claim| claim.length), Ordering::Relaxed);
        raw
    }

    fn place(&self, number: u64) -> Option<u64> {
        self.device.size().checked_sub((1 + number % 2) * PLACE as u64)
    }

    /// The claim that counts, and its number.
    fn newest(&self) -> Option<(u64, Vec<u8>)> {
        let read = |number: u64| {
            let place = read_vec(&self.device, self.place(number)?, PLACE).ok()?;
            let (number, claim) = place.split_first_chunk()?;
            Claim::decode(claim).ok()?;
            Some((u64::from_le_bytes(*number), claim.to_vec()))
        };
        [0, 1].into_iter().filter_map(read).max_by_key(|(number, _)| *number)
    }
}

impl ReadAt for Raw {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length.load(Ordering::Relaxed))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        buf.copy_from_slice(&read_vec(&self.device, offset, buf.len())?);
        Ok(())
    }
}

impl Keep for Raw {
    fn room(&self) -> io::Result<u64> {
        Ok(self.device.size().saturating_sub(2 * PLACE as u64))
    }

    fn claim(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.newest().map(|(_, claim)| claim))
    }

    fn put_claim(&self, bytes: &[u8]) -> io::Result<()> {
        let number = self.newest().map_or(0, |(number, _)| number.wrapping_add(1));
        let mut place = [&number.to_le_bytes(), bytes].concat();
        let at = self.place(number).filter(|_| place.len() <= PLACE).ok_or(ErrorKind::InvalidInput)?;
        place.resize(PLACE, 0);
        self.device.write_at(at, &place)?;
        self.device.flush(Flush::BundleFetched)
    }

    fn make(&self, length: u64) -> io::Result<()> {
        if length > self.room()? {
            return Err(ErrorKind::StorageFull.into());
        }
        self.length.store(length, Ordering::Relaxed);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut whole = bytes.to_vec();
        // What follows the end of the bundle on a partition means nothing.
        whole.resize(self.device.sector_size().round_up(whole.len()), 0);
        self.device.write_at(offset, &whole)
    }

    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.device.flush(guard)
    }
}

/// A bundle in memory. It is lost with the power.
pub struct Memory {
    limit: u64,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    claim: Option<Vec<u8>>,
}

impl Memory {
    /// Returns an empty one of at most so many bytes, which it only takes when something comes.
    pub fn new(limit: u64) -> Self {
        Self { limit, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadAt for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.held().bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.held().bytes.read_at(offset, buf)
    }
}

impl Keep for Memory {
    fn room(&self) -> io::Result<u64> {
        Ok(self.limit)
    }

    fn claim(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.held().claim.clone())
    }

    fn put_claim(&self, bytes: &[u8]) -> io::Result<()> {
        self.held().claim = Some(bytes.to_vec());
        Ok(())
    }

    fn make(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).ok().filter(|_| length <= self.limit);
        let length = length.ok_or(ErrorKind::OutOfMemory)?;
        let held = &mut *self.held();
        held.bytes = Vec::new();
        held.bytes.try_reserve_exact(length).map_err(|_| ErrorKind::OutOfMemory)?;
        held.bytes.resize(length, 0);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let held = &mut *self.held();
        let start = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let place = start.checked_add(bytes.len()).and_then(|end| held.bytes.get_mut(start..end));
        place.ok_or(ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&self, _guard: Flush) -> io::Result<()> {
        Ok(())
    }
}

/// Says that nothing may be uploaded now.
pub(super) fn refusal(why: &str) -> Error {
    Error::Refused(format!("nothing can be uploaded: {why}"))
}
