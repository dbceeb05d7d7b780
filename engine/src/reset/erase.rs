//! Making what is on a partition unreadable.

use crate::error::Error;
use crate::event::{Event, Step, Unit};
use crate::machine::{Device, Machine};
use drydock_block::{AlignedBuffer, BlockDevice, Flush};
use std::io;
use std::time::Duration;

/// Bytes that are written at once.
pub(super) const PIECE: u64 = 1 << 20;
/// Bytes that are discarded at once.
const DISCARD: u64 = 1 << 30;
/// How long one discard may take: slow media erase.
const DISCARD_TIME: Duration = Duration::from_secs(300);

/// What the device did with blocks that are not needed any more.
pub(super) enum Discarded {
    /// It has them back.
    All,
    /// It can't do such a thing.
    NotPossible,
}

/// Tells the device that nothing on the partition is needed any more. Not flushed on return.
pub(super) fn discard(machine: &impl Machine, partition: &Device, label: &str) -> Result<Discarded, Error> {
    let mut at = 0;
    while at < partition.size() {
        machine.events().allow(DISCARD_TIME);
        let len = DISCARD.min(partition.size() - at);
        match partition.discard(at, len) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                machine.events().note(format_args!("the device of `{label}` can't discard"));
                return Ok(Discarded::NotPossible);
            }
            Err(error) => return Err(Error::system("discarding", label, "check the disk")(error)),
        }
        at += len;
        progress(machine, label, at, partition.size());
    }
    Ok(Discarded::All)
}

/// Overwrites a range with zeros. On return they are on stable storage.
pub(super) fn zero(
    machine: &impl Machine,
    partition: &Device,
    label: &str,
    range: std::ops::Range<u64>,
) -> Result<(), Error> {
    let failed = || Error::system("overwriting", label, "check the disk");
    let zeros = AlignedBuffer::new(PIECE as usize);
    let mut at = range.start;
    while at < range.end {
        let len = PIECE.min(range.end - at);
        partition.write_at(at, &zeros[..len as usize]).map_err(failed())?;
        at += len;
        progress(machine, label, at, range.end);
    }
    partition.flush(Flush::PartitionWiped).map_err(failed())
}

fn progress(machine: &impl Machine, what: &str, done: u64, total: u64) {
    machine.events().send(Event::Progress {
        step: Step::Reset,
        what: what.into(),
        done,
        total,
        unit: Unit::Bytes,
    });
}
