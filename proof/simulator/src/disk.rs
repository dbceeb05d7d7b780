//! The simulated disk: what a program sees, and a log from which all contents that a cut could leave are made.

use crate::contents::Contents;
use crate::seen::Seen;
use drydock_block::{BlockDevice, Flush, SectorSize, check_range};
use drydock_fixtures::Random;
use drydock_state::{CopyName, SetName};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Something that a log remembers.
#[derive(Clone, Debug)]
pub enum Op {
    /// Whole sectors were written. They may be torn, and reordered with all since the last flush.
    Write {
        /// Where, in bytes.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// Everything before is on the medium.
    Flush(Flush),
    /// The program above has promised something.
    Mark(Mark),
}

/// What a program has promised by returning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The intent with this id will be carried out; recovery is next.
    Staged(u64),
    /// The intent with this id will not be carried out.
    Cancelled(u64),
    /// The bootloader starts this set next.
    HandsOver(SetName),
    /// This set is marked good and has all its attempts.
    MarkedGood(SetName),
    /// The bootloader starts this copy of the recovery next.
    Proves(CopyName),
    /// This set was given up by hand: the other one is next.
    GivenUp(SetName),
    /// A set was entered, with this `data`, which the first boot had made.
    Entered(u64),
    /// A hook begins to run.
    HookRuns(At),
    /// A hook has run to its end, and who called it does not know yet.
    HookRan(At),
}

/// A place where hooks are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// Before an update writes anything.
    BeforeWrite,
    /// When all of it is written.
    AfterWrite,
    /// Before a set is marked good.
    FirstGood,
    /// Before a reset or a wipe destroys anything.
    BeforeReset,
    /// When that is done.
    AfterReset,
}

/// What a disk answers to a discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// It can't.
    Unsupported,
    /// The range reads as zeros.
    Zeroes,
    /// The range reads as anything.
    Noise,
}

/// What becomes of what was written and not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrives {
    /// All of it is on the medium.
    All,
    /// Nothing of it is.
    Nothing,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Reading.
    Read,
    /// Reading, until it is written again: as flash maps a worn sector anew.
    ReadUntilWritten,
    /// Writing.
    Write,
}

/// A disk with a volatile cache, a log and faults on request.
pub struct SimDisk {
    size: u64,
    sector: SectorSize,
    discard: Discard,
    state: Mutex<State>,
    /// Whether a process has the lock of the device that the disk is in.
    taken: Arc<AtomicBool>,
    /// What was found in its slots.
    pub(crate) seen: Mutex<Seen>,
    /// The fingerprint of what was on the medium at first.
    fingerprint: OnceLock<u64>,
}

/// The lock, as long as somebody has it.
pub struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct State {
    start: Contents,
    view: Contents,
    log: Vec<Op>,
    swallowed: Option<Flush>,
    faults: Vec<(On, Range<u64>)>,
    read_only: bool,
    /// Writes and flushes until the disk is gone.
    left: Option<u64>,
}

const EIO: i32 = 5;
const ENODEV: i32 = 19;
const EROFS: i32 = 30;

impl SimDisk {
    /// A disk that has just been switched on.
    pub fn new(contents: Contents, sector: SectorSize, discard: Discard) -> Self {
        let state = State {
            view: contents.clone(),
            start: contents,
            log: Vec::new(),
            swallowed: None,
            faults: Vec::new(),
            read_only: false,
            left: None,
        };
        let size = state.start.size();
        Self {
            size,
            sector,
            discard,
            state: Mutex::new(state),
            taken: Arc::default(),
            seen: Mutex::default(),
            fingerprint: OnceLock::new(),
        }
    }

    /// The lock of the device that the disk is in; nothing if a process has it already.
    pub fn take_turn(&self) -> Option<Turn> {
        (!self.taken.swap(true, Ordering::Relaxed)).then(|| Turn(self.taken.clone()))
    }

    /// From now on a flush of this name does nothing.
    pub fn swallow(&self, flush: Option<Flush>) {
        self.lock().swallowed = flush;
    }

    /// From now on reading or writing anywhere in the range is an I/O error.
    pub fn fail(&self, on: On, range: Range<u64>) {
        self.lock().faults.push((on, range));
    }

    /// From now on every write is refused.
    pub fn turn_read_only(&self) {
        self.lock().read_only = true;
    }

    /// After `count` more writes and flushes the power is cut, or the cable: every later call fails.
    pub fn gone_after(&self, count: u64) {
        self.lock().left = Some(count);
    }

    /// Whether the power was cut, or the cable.
    pub fn is_gone(&self) -> bool {
        self.lock().left == Some(0)
    }

    /// How many writes and flushes there have been.
    pub fn acts(&self) -> u64 {
        self.lock().log.iter().filter(|op| !matches!(op, Op::Mark(_))).count() as u64
    }

    /// What is on the medium if the power is cut now: all that was written, or nothing of what was not flushed.
    pub fn after_a_cut(&self, arrives: Arrives) -> Contents {
        let state = self.lock();
        let flushed = state.log.iter().rposition(|op| matches!(op, Op::Flush(_))).map_or(0, |last| last + 1);
        let mut contents = state.start.clone();
        let count = if arrives == Arrives::All { state.log.len() } else { flushed };
        for op in &state.log[..count] {
            if let Op::Write { offset, bytes } = op {
                contents.write(*offset, bytes);
            }
        }
        contents
    }

    /// Remembers a promise.
    pub fn mark(&self, mark: Mark) {
        self.lock().log.push(Op::Mark(mark));
    }

    /// What was on the medium at first.
    pub fn start(&self) -> Contents {
        self.lock().start.clone()
    }

    /// The fingerprint of what was on the medium at first.
    pub fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| self.start().fingerprint())
    }

    /// Takes that fingerprint from whoever knows it already: to find it out takes time.
    pub fn has_fingerprint(&self, fingerprint: u64) {
        self.fingerprint.get_or_init(|| fingerprint);
    }

    /// What a program sees now, and what is on the medium if everything is written in the end.
    pub fn view(&self) -> Contents {
        self.lock().view.clone()
    }

    /// Everything that happened.
    pub fn log(&self) -> Vec<Op> {
        self.lock().log.clone()
    }

    /// How much has happened.
    pub fn logged(&self) -> usize {
        self.lock().log.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.size, self.sector, offset, len)
    }
}

impl State {
    fn admit(&mut self, on: On, range: Range<u64>) -> io::Result<()> {
        let error = |code| Err(io::Error::from_raw_os_error(code));
        if self.left == Some(0) {
            return error(ENODEV);
        }
        if on == On::Write && self.read_only {
            return error(EROFS);
        }
        let strikes = |what| what == on || (what == On::ReadUntilWritten && on == On::Read);
        if self.faults.iter().any(|(what, at)| strikes(*what) && at.start < range.end && range.start < at.end)
        {
            return error(EIO);
        }
        Ok(())
    }

    fn count(&mut self) {
        self.left = self.left.map(|left| left - 1);
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.admit(On::Write, offset..offset + bytes.len() as u64)?;
        self.count();
        let end = offset + bytes.len() as u64;
        self.faults.retain(|(on, at)| *on != On::ReadUntilWritten || at.start < offset || at.end > end);
        self.view.write(offset, bytes);
        self.log.push(Op::Write { offset, bytes: bytes.into() });
        Ok(())
    }
}

impl BlockDevice for SimDisk {
    fn size(&self) -> u64 {
        self.size
    }
    fn sector_size(&self) -> SectorSize {
        self.sector
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.check(offset, buf.len() as u64)?;
        let mut state = self.lock();
        state.admit(On::Read, offset..offset + buf.len() as u64)?;
        state.view.read(offset, buf);
        Ok(())
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.check(offset, buf.len() as u64)?;
        self.lock().write(offset, buf)
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        let mut state = self.lock();
        // A flush touches no sector, so only the whole disk's faults hit it.
        state.admit(On::Read, 0..0)?;
        state.count();
        if state.swallowed != Some(guard) {
            state.log.push(Op::Flush(guard));
        }
        Ok(())
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.check(offset, len)?;
        let mut bytes = vec![0; len as usize];
        match self.discard {
            Discard::Unsupported => return Err(io::ErrorKind::Unsupported.into()),
            Discard::Zeroes => {}
            Discard::Noise => Random::new(offset).fill(&mut bytes),
        }
        self.lock().write(offset, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(discard: Discard) -> SimDisk {
        SimDisk::new(Contents::new(16384), SectorSize::S512, discard)
    }

    #[test]
    fn faults_strike_where_and_how_they_should() {
        let disk = disk(Discard::Unsupported);
        disk.fail(On::Read, 512..1024);
        disk.fail(On::Write, 4096..4608);
        assert!(disk.read_at(0, &mut [0; 512]).is_ok() && disk.read_at(0, &mut [0; 1024]).is_err());
        assert!(disk.write_at(512, &[1; 512]).is_ok() && disk.write_at(3584, &[1; 1024]).is_err());
        assert!(disk.write_at(100, &[1; 512]).is_err(), "not aligned");
        disk.turn_read_only();
        assert!(disk.write_at(0, &[1; 512]).is_err() && disk.flush(Flush::ImageWritten).is_ok());
    }

    #[test]
    fn a_disk_that_is_gone_answers_nothing() {
        let disk = disk(Discard::Unsupported);
        disk.gone_after(2);
        assert!(disk.write_at(0, &[1; 512]).is_ok() && disk.flush(Flush::ImageWritten).is_ok());
        assert!(disk.write_at(512, &[1; 512]).is_err() && disk.read_at(0, &mut [0; 512]).is_err());
        assert!(disk.flush(Flush::ImageWritten).is_err());
        assert_eq!(disk.log().len(), 2);
    }

    #[test]
    fn discards_are_writes_that_may_be_lost() {
        for (kind, zeros) in [(Discard::Zeroes, true), (Discard::Noise, false)] {
            let disk = disk(kind);
            disk.write_at(0, &[1; 1024]).unwrap();
            disk.discard(0, 512).unwrap();
            let mut back = [0; 1024];
            disk.read_at(0, &mut back).unwrap();
            assert_eq!(back[..512] == [0; 512], zeros);
            assert_eq!(back[512..], [1; 512]);
            assert_eq!(disk.log().len(), 2);
        }
        assert!(disk(Discard::Unsupported).discard(0, 512).is_err());
    }
}
