//! A bundle with holes on a medium that loses and reorders what was not flushed.

use drydock_block::Flush;
use drydock_engine::fetch::Keep;
use drydock_format::ReadAt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is there.
#[derive(Clone, Debug, Default)]
struct State {
    file: Option<Vec<u8>>,
    /// Writes that are not on the medium yet.
    flight: Vec<(u64, Vec<u8>)>,
    claim: Option<Vec<u8>>,
}

impl State {
    fn arrive(&mut self, writes: impl Iterator<Item = (u64, Vec<u8>)>) {
        for (offset, bytes) in writes {
            if let Some(file) = &mut self.file {
                file[offset as usize..][..bytes.len()].copy_from_slice(&bytes);
            }
        }
    }

    /// What a cut may leave: of the writes in flight none, all, each one alone, or all but one.
    fn after_a_cut(&self) -> Vec<Self> {
        let count = self.flight.len();
        let alone = (0..count).map(|one| vec![one]);
        let but_one = (0..count).map(|one| (0..count).filter(|other| *other != one).collect());
        let choices = [Vec::new(), (0..count).collect()].into_iter().chain(alone).chain(but_one);
        choices
            .map(|which: Vec<usize>| {
                let mut state = Self { flight: Vec::new(), ..self.clone() };
                state.arrive(which.into_iter().map(|index| self.flight[index].clone()));
                state
            })
            .collect()
    }
}

/// Such a bundle, in memory.
#[derive(Debug, Default)]
pub struct SimKept {
    state: Mutex<State>,
    /// What every moment so far could leave.
    cuts: Mutex<Vec<State>>,
    swallowed: Option<Flush>,
    /// How many bytes it may have.
    room: Option<u64>,
}

impl SimKept {
    /// Nothing is there yet; this flush does nothing.
    pub fn new(swallowed: Option<Flush>) -> Arc<Self> {
        Arc::new(Self { swallowed, ..Self::default() })
    }

    /// Nothing is there yet, and there is no room for more than so many bytes.
    pub fn with_room(bytes: u64) -> Arc<Self> {
        Arc::new(Self { room: Some(bytes), ..Self::default() })
    }

    /// Everything that a cut could have left, from the first act on.
    pub fn cuts(&self) -> Vec<Arc<Self>> {
        let states = lock(&self.cuts).clone();
        states
            .into_iter()
            .map(|state| Arc::new(Self { state: Mutex::new(state), ..Self::default() }))
            .collect()
    }

    /// What the file holds.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let mut state = lock(&self.state).clone();
        let flight = std::mem::take(&mut state.flight);
        state.arrive(flight.into_iter());
        state.file
    }

    /// A number that stands for what is on the medium.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.bytes(), lock(&self.state).claim.clone()).hash(&mut hasher);
        hasher.finish()
    }

    fn act<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = lock(&self.state);
        let done = work(&mut state);
        lock(&self.cuts).extend(state.after_a_cut());
        done
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReadAt for SimKept {
    fn len(&self) -> Result<u64> {
        lock(&self.state).file.as_ref().map(|file| file.len() as u64).ok_or(ErrorKind::NotFound.into())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.bytes().ok_or(ErrorKind::NotFound)?.read_at(offset, buf)
    }
}

impl Keep for SimKept {
    fn room(&self) -> Result<u64> {
        Ok(self.room.unwrap_or(u64::MAX))
    }

    fn claim(&self) -> Result<Option<Vec<u8>>> {
        Ok(lock(&self.state).claim.clone())
    }

    fn put_claim(&self, bytes: &[u8]) -> Result<()> {
        self.act(|state| {
            state.claim = Some(bytes.to_vec());
            Ok(())
        })
    }

    fn make(&self, length: u64) -> Result<()> {
        self.act(|state| {
            state.flight.clear();
            state.file = Some(vec![0; length as usize]);
            Ok(())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.act(|state| {
            state.flight.push((offset, bytes.to_vec()));
            Ok(())
        })
    }

    fn flush(&self, guard: Flush) -> Result<()> {
        self.act(|state| {
            if self.swallowed != Some(guard) {
                let flight = std::mem::take(&mut state.flight);
                state.arrive(flight.into_iter());
            }
            Ok(())
        })
    }
}
