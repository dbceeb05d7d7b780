//! The recovery's own two copies: the one that is not in use is written from the bundle of a set that is good.

use super::plan::{self, Origin, SlotPlan};
use super::{open, prepare_slot, steps};
use crate::error::Error;
use crate::machine::Machine;
use crate::release::trusted_release;
use crate::state::State;
use crate::steps::{Commit, Work};
use drydock_config::{Config, Role};
use drydock_format::{Bundle, Digest, ImageReader};
use drydock_state::{CopyName, Record, SlotName, Source};

/// Returns whether a bundle, whose manifest has this digest, brings another recovery than the one that is first. Writes
/// nothing.
pub fn is_new(
    machine: &impl Machine,
    record: &Record,
    source: &Source,
    manifest: Digest,
) -> Result<bool, Error> {
    let mut slot = |bundle: &Bundle, _| slot(machine.config(), bundle);
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
    let slot = prepare_slot(machine, bundle, target.into(), &slot(machine.config(), bundle)?)?;
    let slot = [slot];
    let steps = steps::to_write_copy(&slot, format!("copy {target} of the recovery"));
    crate::steps::run(&mut Work { machine, state }, &steps)?;
    Ok(Commit::RecoveryWritten(target))
}

/// The image for the recovery's own copies, which are no part of a set, if a bundle carries one. One that does not fit is
/// refused before anything is written.
pub(super) fn is_in(machine: &impl Machine, bundle: &Bundle) -> Result<Option<ImageReader>, Error> {
    let Ok(slot) = slot(machine.config(), bundle) else { return Ok(None) };
    for name in CopyName::BOTH.map(SlotName::Copy) {
        let room = machine.slot(&slot.class, name)?.size();
        slot.check_room(name, room, bundle.manifest_bytes().len() as u64)?;
    }
    Ok(Some(bundle.image(&slot.image.name)?))
}

fn slot(config: &Config, bundle: &Bundle) -> Result<SlotPlan, Error> {
    let class = config.class_with_role(Role::Recovery);
    let found = class.and_then(|class| {
        let image = bundle.manifest().images.iter().find(|image| image.class == class.class)?;
        Some(SlotPlan { class: class.clone(), image: image.clone(), from: Origin::Bundle })
    });
    found.ok_or_else(|| Error::Missing {
        what: "an image for the recovery in the bundle".into(),
        advice: "the recovery stays as it is".into(),
    })
}
