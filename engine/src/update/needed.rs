//! Which bytes of a bundle the device needs to install it: what is not in place already.

use super::delta::BaseDelta;
use super::plan;
use super::prepared::{Brought, Prepared, prepare_bundle, slot_of_recovery};
use super::sections::Groups;
use super::write::Lacks;
use crate::error::Error;
use crate::machine::Machine;
use crate::release::trusted_release;
use drydock_format::Bundle;
use drydock_state::{CopyName, Record, Source};
use drydock_transfer::Ranges;

/// What an installation reads of a bundle, beyond what is read to open it.
#[derive(Debug)]
pub struct Needed {
    /// The bytes.
    pub ranges: Ranges,
    /// What else is needed.
    pub rest: Rest,
}

/// What is known of what an installation does not read, or reads of a delta.
#[derive(Debug)]
pub enum Rest {
    /// Another look, once the bytes are there, tells what else is needed.
    Unknown,
    /// Of each slot these groups are proven, and need no other bytes.
    Proven(Vec<Groups>),
}

/// Returns the bytes of a bundle that say which deltas this device can use. Reads nothing else of it than its manifest.
pub fn indexes(machine: &impl Machine, record: &Record, bundle: &Bundle) -> Result<Ranges, Error> {
    let plan = plan::plan(machine.config(), record, bundle.manifest())?;
    let place = |slot| BaseDelta::index_place(machine, bundle, plan.target.into(), slot);
    Ok(plan.slots.iter().filter_map(place).collect())
}

/// Returns the bytes of a bundle that an installation reads: of what is not in place in the target set a delta's data, and
/// the frames that a delta does not give; and the recovery's frames, if it is another one than the one that is first. Its
/// tables, and its [`indexes`], must be there. Writes nothing.
///
/// Of the recovery all frames are named: which copy will run when it is written is not known now.
pub fn needed(machine: &impl Machine, record: &Record, bundle: &Bundle) -> Result<Needed, Error> {
    let prepared = prepare(machine, record, bundle)?;
    let (mut all, mut proven, mut is_all) = (Ranges::new(), Vec::new(), true);
    for slot in &prepared.slots {
        match slot.lacks(machine)? {
            Lacks::All(ranges, groups) => {
                all.extend(ranges);
                proven.push(groups);
            }
            Lacks::First(ranges) => {
                all.extend(ranges);
                is_all = false;
            }
        }
    }
    if let Some(Brought { reader, .. }) = &prepared.recovery {
        let class = slot_of_recovery(machine.config(), bundle, CopyName::A)?.class;
        let first = trusted_release(machine, &class, record.recovery.first);
        if first.map_or(true, |first| first.image.root_hash != reader.image().root_hash) {
            let frames = 0..reader.image().frame_count();
            all.extend(frames.flat_map(|frame| reader.frame_places(frame)));
        }
    }
    Ok(Needed { ranges: all, rest: if is_all { Rest::Proven(proven) } else { Rest::Unknown } })
}

/// Proves what was fetched of a bundle beyond what is `proven` already of each slot: a delta was decoded to find out what it
/// lacks, and is not decoded again. Writes nothing.
pub fn prove_fetched(
    machine: &impl Machine,
    record: &Record,
    bundle: &Bundle,
    proven: &[Groups],
) -> Result<(), Error> {
    prepare(machine, record, bundle)?.prove_rest(machine, proven)
}

fn prepare(machine: &impl Machine, record: &Record, bundle: &Bundle) -> Result<Prepared, Error> {
    // Where the bundle lies is of no matter to what is read here.
    prepare_bundle(machine, record, &Source::Data { path: String::new() }, bundle, None)
}
