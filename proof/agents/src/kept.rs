//! Where a simulated device keeps what it fetches: in memory, which outlives cuts of power.

use drydock_block::Flush;
use drydock_engine::fetch::Keep;
use drydock_engine::fetch::holes::{Claim, WithHoles};
use drydock_format::ReadAt;
use std::io::{ErrorKind, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is there.
#[derive(Debug, Default)]
struct State {
    file: Option<Vec<u8>>,
    claim: Option<Vec<u8>>,
}

/// A bundle with holes.
#[derive(Debug, Default)]
pub struct Kept(Mutex<State>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadAt for Kept {
    fn len(&self) -> Result<u64> {
        self.lock().file.as_ref().map(|file| file.len() as u64).ok_or(ErrorKind::NotFound.into())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.lock().file.as_ref().ok_or(ErrorKind::NotFound)?.read_at(offset, buf)
    }
}

impl Keep for Kept {
    fn room(&self) -> Result<u64> {
        Ok(u64::MAX)
    }

    fn claim(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.lock().claim.clone())
    }

    fn put_claim(&self, bytes: &[u8]) -> Result<()> {
        self.lock().claim = Some(bytes.to_vec());
        Ok(())
    }

    fn make(&self, length: u64) -> Result<()> {
        self.lock().file = Some(vec![0; length as usize]);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.lock();
        let file = state.file.as_mut().ok_or(ErrorKind::NotFound)?;
        file[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&self, _guard: Flush) -> Result<()> {
        Ok(())
    }
}

/// What is kept, as recovery reads it: with its holes as they are at that moment.
pub struct AsBundle(pub Arc<Kept>);

/// The file alone.
struct Whole(Arc<Kept>);

impl ReadAt for Whole {
    fn len(&self) -> Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.0.read_at(offset, buf)
    }
}

impl AsBundle {
    fn holes(&self) -> Result<WithHoles<Whole>> {
        let claim = self.0.claim()?.and_then(|bytes| Claim::decode(&bytes).ok());
        Ok(WithHoles::new(Whole(self.0.clone()), &claim.ok_or(ErrorKind::NotFound)?))
    }
}

impl ReadAt for AsBundle {
    fn len(&self) -> Result<u64> {
        self.holes()?.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        self.holes()?.read_at(offset, buf)
    }

    fn has(&self, range: &Range<u64>) -> bool {
        self.holes().is_ok_and(|holes| holes.has(range))
    }
}
