//! Wiping a partition.

use super::new_volume;
use super::steps::{Erase, MakeFilesystem, Unreadable, to_replace};
use crate::error::Error;
use crate::event::{Event, Step, Unit};
use crate::machine::{Device, Machine};
use crate::state::State;
use crate::steps::{self, Commit, Work};
use drydock_block::{AlignedBuffer, BlockDevice, Flush};
use drydock_config::{Config, WipeHow};
use std::io;
use std::time::Duration;

/// Bytes that are written at once.
pub(super) const PIECE: u64 = 1 << 20;
/// Bytes that are discarded at once.
const DISCARD: u64 = 1 << 30;
/// How long one discard may take: slow media erase.
const DISCARD_TIME: Duration = Duration::from_secs(300);

/// Wipes the partition `label` as the configuration says. On return that is on stable storage.
pub fn wipe(machine: &impl Machine, state: &mut State<'_>, label: &str) -> Result<Commit, Error> {
    let config = machine.config();
    let wanted =
        config.wipes.iter().find(|wipe| wipe.label == label).ok_or_else(|| refusal(config, label))?;
    let partition = machine.partition(label)?;
    machine.events().started(Step::Reset, format_args!("`{label}`: wiping ({})", wanted.how));
    let work = &mut Work { machine, state };
    let erase = |how| Box::new(Erase { label, partition: &partition, how });
    match wanted.how {
        WipeHow::Zero => steps::run(work, &vec![erase(Unreadable::Zeros)])?,
        WipeHow::Discard => steps::run(work, &vec![erase(Unreadable::Discarded)])?,
        WipeHow::Volume if wanted.encrypted => {
            steps::run(work, &to_replace(&new_volume(machine, label, &partition, None)?))?;
        }
        WipeHow::Volume => {
            let filesystem = Box::new(MakeFilesystem { label, new: None });
            steps::run(work, &vec![erase(Unreadable::DiscardedOrZeros), filesystem])?;
        }
    }
    Ok(Commit::Wiped(label.into()))
}

/// Why a partition can't be wiped.
pub fn refusal(config: &Config, label: &str) -> Error {
    let named: Vec<&str> = config.wipes.iter().map(|wipe| wipe.label.as_str()).collect();
    let named = if named.is_empty() { "none".into() } else { named.join(", ") };
    Error::Refused(format!("`{label}` may not be wiped; the configuration allows it for: {named}"))
}

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
