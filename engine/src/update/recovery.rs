//! The recovery's own two copies: the one that is not in use is written from the bundle of a set that is good.

use super::open::open;
use super::plan::{self, SlotPlan};
use super::prepared::{prepare_slot, slot_of_recovery};
use super::steps;
use crate::error::Error;
use crate::machine::Machine;
use crate::release::trusted_release;
use crate::state::State;
use crate::steps::{Commit, Work};
use drydock_format::{Bundle, Digest};
use drydock_state::{CopyName, Record, Source};

/// Returns whether a bundle, whose manifest has this digest, brings another recovery than the one that is first. Writes
/// nothing.
pub fn is_new(
    machine: &impl Machine,
    record: &Record,
    source: &Source,
    manifest: Digest,
) -> Result<bool, Error> {
    let mut slot = |bundle: &Bundle, _| slot_of_recovery(machine.config(), bundle, record.recovery.first);
    let SlotPlan { class, image, .. } = open(machine, source, Some(manifest), &mut slot)?;
    let first = trusted_release(machine, &class, record.recovery.first);
    Ok(first.map_or(true, |first| first.image.root_hash != image.root_hash))
}

/// Writes the copy that does not run, and proves it. On return that is on stable storage; the bootloader starts it next
/// when the record says so ([`finish`](crate::steps::finish)).
///
/// Where `running` is not known the copy that is first is taken for it: it is the one that the bootloader relies on.
pub fn write(
    machine: &impl Machine,
    state: &mut State<'_>,
    source: &Source,
    manifest: Digest,
    running: Option<CopyName>,
) -> Result<Commit, Error> {
    open(machine, source, Some(manifest), &mut |bundle, _| write_from(machine, state, bundle, running))
}

fn write_from(
    machine: &impl Machine,
    state: &mut State<'_>,
    bundle: &Bundle,
    running: Option<CopyName>,
) -> Result<Commit, Error> {
    plan::admit(machine.config(), &state.record, bundle.manifest())?;
    let target = running.unwrap_or(state.record.recovery.first).other();
    let slot =
        prepare_slot(machine, bundle, target.into(), &slot_of_recovery(machine.config(), bundle, target)?)?;
    let slot = [slot];
    let steps = steps::to_write_copy(&slot, format!("copy {target} of the recovery"));
    crate::steps::run(&mut Work { machine, state }, &steps)?;
    Ok(Commit::RecoveryWritten(target))
}
