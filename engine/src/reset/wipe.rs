//! Wiping a partition.

use super::{new_volume, replace_volume};
use crate::error::Error;
use crate::event::{Event, Step};
use crate::machine::{Device, Machine};
use crate::state::State;
use crate::volume;
use drydock_block::{AlignedBuffer, BlockDevice, Flush};
use drydock_config::{Config, WipeHow};
use drydock_state::transition;
use std::io;
use std::time::Duration;

/// Bytes that are written at once.
const PIECE: u64 = 1 << 20;
/// Bytes that are discarded at once.
const DISCARD: u64 = 1 << 30;
/// How long one discard may take: slow media erase.
const DISCARD_TIME: Duration = Duration::from_secs(300);

/// Wipes the partition `label` as the configuration says. On return that is on stable storage, and the intent is over.
pub fn wipe(machine: &impl Machine, state: &mut State, label: &str) -> Result<(), Error> {
    let config = machine.config();
    let wanted =
        config.wipes.iter().find(|wipe| wipe.label == label).ok_or_else(|| refusal(config, label))?;
    let partition = machine.partition(label)?;
    machine.events().started(Step::Reset, format_args!("`{label}`: wiping ({})", wanted.how));
    match wanted.how {
        WipeHow::Zero => zero(machine, &partition, label, 0..partition.size())?,
        WipeHow::Discard => {
            if !discard(machine, &partition, label)? {
                return Err(Error::Refused(format!(
                    "the device of `{label}` can't discard; configure `how = \"zero\"` for it"
                )));
            }
            let edge = PIECE.min(partition.size());
            zero(machine, &partition, label, 0..edge)?;
            zero(machine, &partition, label, partition.size() - edge..partition.size())?;
        }
        WipeHow::Volume if wanted.encrypted => {
            let (headers, unlocked) = new_volume(machine, label, &partition)?;
            replace_volume(machine, label, &partition, &headers, &unlocked, None)?;
        }
        WipeHow::Volume => {
            make_unreadable(machine, &partition, label)?;
            volume::make_filesystem(machine, label, None, None)?;
        }
    }
    transition::wiped(&mut state.record, label, machine.now());
    state.save()?;
    machine.events().finished(Step::Reset, label);
    Ok(())
}

/// Why a partition can't be wiped.
pub fn refusal(config: &Config, label: &str) -> Error {
    let named: Vec<&str> = config.wipes.iter().map(|wipe| wipe.label.as_str()).collect();
    let named = if named.is_empty() { "none".into() } else { named.join(", ") };
    Error::Refused(format!("`{label}` may not be wiped; the configuration allows it for: {named}"))
}

/// Gives all blocks of a partition back to the device, or overwrites them where it takes none.
pub(super) fn make_unreadable(machine: &impl Machine, partition: &Device, label: &str) -> Result<(), Error> {
    match discard(machine, partition, label)? {
        true => Ok(()),
        false => zero(machine, partition, label, 0..partition.size()),
    }
}

/// Tells the device that nothing on the partition is needed any more. Says whether it can do such a thing. Not flushed
/// on return.
pub(super) fn discard(machine: &impl Machine, partition: &Device, label: &str) -> Result<bool, Error> {
    let mut at = 0;
    while at < partition.size() {
        machine.events().allow(DISCARD_TIME);
        let len = DISCARD.min(partition.size() - at);
        match partition.discard(at, len) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                machine.events().note(format_args!("the device of `{label}` can't discard"));
                return Ok(false);
            }
            Err(error) => return Err(Error::system("discarding", label, "check the disk")(error)),
        }
        at += len;
        progress(machine, label, at, partition.size());
    }
    Ok(true)
}

/// Overwrites a range with zeros. On return they are on stable storage.
fn zero(
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
    machine.events().send(Event::Progress { step: Step::Reset, what: what.into(), done, total });
}
