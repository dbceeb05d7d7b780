//! The state record on its raw partition: two replicas, each with a spare place.

use crate::error::Error as StateError;
use crate::generation::Generation;
use crate::record::Record;
use crate::replica::{ROOM, Replica, WHAT, encode_replica, read_replica};
use drydock_block::{BlockDevice, Error, Flush};
use std::fmt;

/// The replicas lie an erase group apart where there is room, so that a worn or interrupted group takes one.
const ERASE_GROUP: u64 = 4 << 20;

/// The outcome of [`Store::open`] and [`Store::look`].
#[derive(Debug)]
pub enum Opened {
    /// The newest record.
    Found {
        /// The record.
        record: Record,
        /// The replicas that could not be read, and were written anew.
        mended: Vec<Mended>,
    },
    /// Both places can be read and neither holds a record.
    Lost,
    /// A replica that may be the newer one can't be read, or none can be written. The other one's record is there to boot
    /// by, not to act on.
    Untrusted {
        /// The record of the replica that could be read, if any. It may be one write old.
        record: Option<Record>,
        /// Why the other one could not.
        reason: StateError,
    },
}

/// A replica whose place has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// 1 or 2.
    pub replica: usize,
    /// What the device answered.
    pub why: String,
    /// What was done about it.
    pub now: Now,
}

/// What was done about a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// It was written again in its place, which has taken it.
    WrittenAnew,
    /// It is in its spare place.
    InSpare,
}

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replica, why, now } = self;
        let now = match now {
            Now::WrittenAnew => "it was written anew",
            Now::InSpare => "it is in its spare place now",
        };
        write!(f, "copy {replica} of the state: {why}; {now}")
    }
}

/// The state record on its raw partition.
///
/// The first replica is always written, flushed and read back before the second one is touched, and a write counts only
/// when both are done. So whatever the second replica holds is the newest record that anybody was told of.
#[derive(Debug)]
pub struct Store<D> {
    device: D,
    sequence: u64,
    writable: bool,
    /// Where each replica is kept now.
    places: [Place; 2],
}

/// Where one replica may be.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Where it is, in bytes.
    now: u64,
    /// The other place for it, in bytes, where the partition has room for one.
    other: Option<u64>,
}

impl<D: BlockDevice> Store<D> {
    /// Reads the record without writing anything, so that it may be done beside a writer. What was found to be mended
    /// is not mentioned. `told` is that of [`open`](Self::open).
    pub fn look(device: D, told: Option<Generation>) -> Result<Opened, StateError> {
        let (_, found, _) = Self::read(device, told)?;
        Ok(found)
    }

    /// Reads both replicas and, if they differ, makes them equal again: one that is older, damaged or can't be read is
    /// replaced, flushed and read back. Flash maps a sector that can't be read anew when it is written; where that does
    /// not help, the replica moves to its spare place.
    ///
    /// `told` is the generation that the bootloader was told last, if that is known: where it is ahead of the only replica
    /// that can be read, the other one is newer, and nothing is written.
    pub fn open(device: D, told: Option<Generation>) -> Result<(Self, Opened), StateError> {
        let (mut store, opened, faults) = Self::read(device, told)?;
        let Opened::Found { record, .. } = opened else { return Ok((store, opened)) };
        let mut mended = Vec::new();
        for (index, fault) in faults.into_iter().enumerate() {
            let why = match fault {
                Fault::None => continue,
                Fault::Old => None,
                Fault::Unreadable(why) => Some(why),
            };
            match store.write_replica(index, &record) {
                Ok(moved) => {
                    let now = if moved.is_some() { Now::InSpare } else { Now::WrittenAnew };
                    mended.extend(moved.or(why.map(StateError::from)).map(|why| Mended {
                        replica: index + 1,
                        why: why.to_string(),
                        now,
                    }));
                }
                // Where this can't be done the device still boots by what it knows.
                Err(reason) => {
                    store.writable = false;
                    return Ok((store, Opened::Untrusted { record: Some(record), reason }));
                }
            }
        }
        Ok((store, Opened::Found { record, mended }))
    }

    fn read(device: D, told: Option<Generation>) -> Result<(Self, Opened, [Fault; 2]), Error> {
        let [first, second] = replica_offsets(device.size())?;
        // Half way to the other replica there is room for each once more, if at all.
        let distance = Some(second / 2)
            .filter(|distance| *distance >= ROOM && device.size() - second >= distance + ROOM);
        let found =
            [first, second].map(|main| read_places(&device, main, distance.map(|distance| main + distance)));
        let [(place, first), (other_place, second)] = found;
        let mut store = Self { device, sequence: 0, writable: true, places: [place, other_place] };
        let (opened, faults) = decide(first, second, told, &mut store.sequence);
        store.writable = !matches!(opened, Opened::Untrusted { .. });
        Ok((store, opened, faults))
    }

    /// Replaces the record: one replica, flush, the other replica, flush, each read back. On return both are on
    /// stable storage. Refused where [`open`](Self::open) could not tell which replica is newer. Returns the replicas whose
    /// places have failed, and which are in their spare places now.
    pub fn write(&mut self, record: &Record) -> Result<Vec<Mended>, StateError> {
        if !self.writable {
            return Err(StateError::Refused(
                "the state can't be changed while one of its copies can't be read; check the disk".into(),
            ));
        }
        self.sequence += 1;
        let mut mended = Vec::new();
        for index in 0..2 {
            let moved = self.write_replica(index, record)?;
            mended.extend(moved.map(|why| Mended {
                replica: index + 1,
                why: why.to_string(),
                now: Now::InSpare,
            }));
        }
        Ok(mended)
    }

    /// Writes one replica; to its other place if its place does not take it, and then returns why.
    fn write_replica(&mut self, index: usize, record: &Record) -> Result<Option<StateError>, StateError> {
        let guard = if index == 0 { Flush::StateFirstReplica } else { Flush::StateSecondReplica };
        let Place { now, other } = self.places[index];
        match (self.write_at(now, record, guard), other) {
            (Ok(()), _) => Ok(None),
            (Err(error), None) => Err(error),
            (Err(error), Some(other)) => {
                if self.write_at(other, record, guard).is_err() {
                    return Err(error);
                }
                self.places[index] = Place { now: other, other: Some(now) };
                Ok(Some(error))
            }
        }
    }

    fn write_at(&self, offset: u64, record: &Record, guard: Flush) -> Result<(), StateError> {
        let mut bytes = encode_replica(self.sequence, record)?;
        bytes.resize(self.device.sector_size().round_up(bytes.len()), 0);
        let write_error = |source| Error::Write { what: WHAT, source };
        let read_error = |source| Error::Read { what: WHAT, source };
        self.device.write_at(offset, &bytes).map_err(write_error)?;
        self.device.flush(guard).map_err(write_error)?;
        self.device.drop_caches().map_err(read_error)?;
        let mut back = vec![0; bytes.len()];
        self.device.read_at(offset, &mut back).map_err(read_error)?;
        if back == bytes { Ok(()) } else { Err(Error::ReadBack { what: WHAT }.into()) }
    }
}

/// What is to be done about one replica.
enum Fault {
    /// Nothing.
    None,
    /// It is older than the other one, or damaged, as a cut of power leaves it.
    Old,
    /// It can't be read.
    Unreadable(Error),
}

/// Which record holds, and which replicas have to be written again.
fn decide(
    first: Replica,
    second: Replica,
    told: Option<Generation>,
    newest: &mut u64,
) -> (Opened, [Fault; 2]) {
    let none = || [Fault::None, Fault::None];
    let found = |record: Box<Record>| Opened::Found { record: *record, mended: Vec::new() };
    let untrusted = |record: Option<Box<Record>>, reason: Error| {
        (Opened::Untrusted { record: record.map(|record| *record), reason: reason.into() }, none())
    };
    match (first, second) {
        // It is whole: a later drydock goes on from it.
        (Replica::Unreadable(reason @ Error::LaterVersion { .. }), other)
        | (other, Replica::Unreadable(reason @ Error::LaterVersion { .. })) => {
            untrusted(valid(other), reason)
        }
        (Replica::Valid { sequence: a, record }, Replica::Valid { sequence: b, record: other }) => {
            *newest = a.max(b);
            match a.cmp(&b) {
                std::cmp::Ordering::Equal => (found(record), none()),
                std::cmp::Ordering::Greater => (found(record), [Fault::None, Fault::Old]),
                std::cmp::Ordering::Less => (found(other), [Fault::Old, Fault::None]),
            }
        }
        // What the other replica may hold beyond this one, nobody was told of: unless the bootloader was.
        (Replica::Unreadable(reason), Replica::Valid { record, .. })
        | (Replica::Valid { record, .. }, Replica::Unreadable(reason))
            if told.is_some_and(|told| told.is_ahead_of(record.generation)) =>
        {
            untrusted(Some(record), reason)
        }
        (Replica::Valid { sequence, record }, other) => {
            *newest = sequence;
            (found(record), [Fault::None, other.fault()])
        }
        (other, Replica::Valid { sequence, record }) => {
            *newest = sequence;
            (found(record), [other.fault(), Fault::None])
        }
        (Replica::Unreadable(reason), _) | (_, Replica::Unreadable(reason)) => untrusted(None, reason),
        (Replica::Invalid(_), Replica::Invalid(_)) => (Opened::Lost, none()),
    }
}

impl Replica {
    fn fault(self) -> Fault {
        match self {
            Self::Unreadable(why) => Fault::Unreadable(why),
            Self::Valid { .. } | Self::Invalid(_) => Fault::Old,
        }
    }
}

fn valid(replica: Replica) -> Option<Box<Record>> {
    match replica {
        Replica::Valid { record, .. } => Some(record),
        _ => None,
    }
}

/// Reads one replica from wherever its newest whole version is, and says where that is.
fn read_places(device: &impl BlockDevice, main: u64, spare: Option<u64>) -> (Place, Replica) {
    let at_main = Place { now: main, other: spare };
    let in_main = read_replica(device, main);
    let Some(spare) = spare else { return (at_main, in_main) };
    let at_spare = Place { now: spare, other: Some(main) };
    match (in_main, read_replica(device, spare)) {
        (Replica::Valid { sequence: a, record }, Replica::Valid { sequence: b, .. }) if a >= b => {
            (at_main, Replica::Valid { sequence: a, record })
        }
        (in_main @ Replica::Unreadable(Error::LaterVersion { .. }), _) => (at_main, in_main),
        (_, in_spare @ (Replica::Valid { .. } | Replica::Unreadable(Error::LaterVersion { .. }))) => {
            (at_spare, in_spare)
        }
        // A spare place that can't be read and was never used must not make a whole replica doubtful.
        (in_main, _) => (at_main, in_main),
    }
}

/// Returns the offsets of the two replicas' usual places on a partition of the given size, all in bytes.
pub fn replica_offsets(size: u64) -> Result<[u64; 2], Error> {
    let second = if size >= 2 * ERASE_GROUP { ERASE_GROUP } else { size / 2 / 4096 * 4096 };
    let room = size - second;
    if second < ROOM || room < ROOM {
        return Err(Error::TooLarge { what: WHAT, size: 2 * ROOM, room: size });
    }
    Ok([0, second])
}
