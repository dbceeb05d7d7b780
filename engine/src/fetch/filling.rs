//! Filling a bundle with holes such that a cut at any moment leaves what its claim says.

use super::holes::Claim;
use super::session::Session;
use crate::error::Error;
use crate::event::{Event, Step, Unit};
use drydock_block::Flush;
use drydock_format::ReadAt;
use drydock_transfer::Ranges;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// After so many bytes, or so long, what has come is claimed.
const CLAIM_BYTES: u64 = 8 << 20;
const CLAIM_TIME: Duration = Duration::from_secs(20);
/// How often progress is told at most.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// A gap between two ranges that costs less than a range of its own, in bytes.
const GAP: u64 = 256;

/// The unit in which a filesystem gives room, in bytes.
const BLOCK: u64 = 4096;
/// What is left to the filesystem for its own, and for the claim, in bytes.
const SPARE: u64 = 64 << 10;

/// Where a bundle with holes lies.
pub trait Keep: ReadAt {
    /// Returns how many bytes may be in the file: those that it occupies, and those that are free beside it.
    fn room(&self) -> io::Result<u64>;

    /// Returns the claim's bytes, if there is one.
    fn claim(&self) -> io::Result<Option<Vec<u8>>>;

    /// Puts a claim in place of the one that is there. On return it is on stable storage; a cut leaves the one or the other.
    fn put_claim(&self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file anew, as one hole of this length.
    fn make(&self, length: u64) -> io::Result<()>;

    /// Writes a part of the file.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// On return, what was written is on stable storage.
    fn flush(&self, guard: Flush) -> io::Result<()>;
}

/// A bundle with holes that is being filled.
pub(super) struct Filling {
    keep: Arc<dyn Keep>,
    pub(super) claim: Claim,
}

impl Filling {
    /// Goes on with what is there of this bundle; whatever else is there gives way to it.
    pub(super) fn begin(keep: Arc<dyn Keep>, mut claim: Claim) -> Result<Self, Error> {
        let found = keep.claim().map_err(failed("reading the claim of"))?;
        let found = found.and_then(|bytes| Claim::decode(&bytes).ok());
        let same = |found: &Claim| found.file == claim.file && found.length == claim.length;
        // The file may have been taken away under its claim.
        let there = keep.len().is_ok_and(|length| length == claim.length);
        if let Some(found) = found.filter(same).filter(|_| there) {
            claim.have = found.have;
            return Ok(Self { keep, claim });
        }
        let filling = Self { keep, claim };
        // Nothing is claimed any more before anything changes.
        filling.put_claim()?;
        filling.keep.make(filling.claim.length).map_err(failed("making"))?;
        Ok(filling)
    }

    /// Claims nothing any more.
    pub(super) fn forget(&mut self) -> Result<(), Error> {
        self.claim.have = Ranges::new();
        self.put_claim()
    }

    /// Writes bytes that are known already, and claims them.
    pub(super) fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.keep.write_at(offset, bytes).map_err(failed("writing"))?;
        self.settle(&mut std::iter::once(offset..offset + bytes.len() as u64).collect())
    }

    /// Fetches what is not there yet of these bytes. On return all of them are on stable storage, and claimed; after an
    /// error that is so for what has come.
    pub(super) fn fill(&mut self, session: &mut Session, wanted: &Ranges, what: &str) -> Result<(), Error> {
        let missing = wanted.without(&self.claim.have).bridging(GAP);
        if missing.is_empty() {
            return Ok(());
        }
        self.check_room(&missing, what)?;
        let pace = session.pace().clone();
        let (total, mut done) = (missing.bytes(), 0);
        let (mut fresh, mut claimed_at, mut told_at) = (Ranges::new(), pace.since(), pace.since());
        let events = session.shared_events();
        let fetched = session.get(&missing, &mut |offset, bytes| {
            self.keep.write_at(offset, bytes).map_err(failed("writing"))?;
            fresh.add(offset..offset + bytes.len() as u64);
            done += bytes.len() as u64;
            let now = pace.since();
            if now.saturating_sub(told_at) >= TELL_EVERY {
                told_at = now;
                let what = what.to_owned();
                events.send(Event::Progress { step: Step::Fetch, what, done, total, unit: Unit::Bytes });
            }
            if fresh.bytes() >= CLAIM_BYTES || now.saturating_sub(claimed_at) >= CLAIM_TIME {
                claimed_at = now;
                self.settle(&mut fresh)?;
            }
            Ok(())
        });
        let settled = self.settle(&mut fresh);
        fetched.and(settled)
    }

    /// Refuses to begin what can't be brought to its end. Holes take no room.
    fn check_room(&self, missing: &Ranges, what: &str) -> Result<(), Error> {
        let all = self.claim.have.iter().chain(missing.iter());
        let blocks: Ranges =
            all.map(|range| range.start / BLOCK * BLOCK..range.end.next_multiple_of(BLOCK)).collect();
        let (needed, room) =
            (blocks.bytes() + SPARE, self.keep.room().map_err(failed("asking for the room of"))?);
        let Some(lacking) = needed.checked_sub(room).filter(|lacking| *lacking > 0) else { return Ok(()) };
        let kib = |bytes: u64| bytes.div_ceil(1 << 10);
        Err(Error::Refused(format!(
            "fetching {what}: the bundle with what this device lacks of it takes {} KiB where it is kept, and there are {} KiB; delete what nobody needs there ({} KiB at least), or leave the transfer to the recovery (`drydock stage --stream`)",
            kib(needed),
            room >> 10,
            kib(lacking)
        )))
    }

    /// Flushes what was written, and only then claims it.
    fn settle(&mut self, fresh: &mut Ranges) -> Result<(), Error> {
        if fresh.is_empty() {
            return Ok(());
        }
        self.keep.flush(Flush::BundleFetched).map_err(failed("flushing"))?;
        self.claim.have.extend(std::mem::take(fresh).iter());
        self.put_claim()
    }

    fn put_claim(&self) -> Result<(), Error> {
        self.keep.put_claim(&self.claim.encode()?).map_err(failed("writing the claim of"))
    }
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    Error::system(doing, "the fetched bundle", "see that there is room on the data volume, and try again")
}
