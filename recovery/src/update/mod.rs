//! An update, from the intent to the commit.
//!
//! The order is what makes it safe to cut anywhere and to run again: nothing is written before the bundle is
//! proven to be whole and meant for this device; the target set is made unbootable before its first byte
//! changes; what was written is read back; then trailers, state and boot environment, in this order.

pub mod frames;
pub mod plan;
pub mod prove;
mod workers;
pub mod write;

use crate::error::Error;
use crate::event::Step;
use crate::machine::{Device, Machine};
use crate::memory::Memory;
use crate::release;
use drydock_block::BlockDevice;
use drydock_bundle::tree::Hasher;
use drydock_bundle::{Bundle, Digest};
use drydock_state::trailer::{self, Trailer};
use drydock_state::{SetInfo, Source, transition};
use frames::{BaseFrames, BundleFrames};
use plan::{Origin, Plan, SlotPlan};
use write::{Frames, Job};

/// A bundle that is whole, signed and meant for this device, with everything ready to write it.
pub struct Prepared {
    /// The release.
    pub release: SetInfo,
    /// What is to be done.
    pub plan: Plan,
    slots: Vec<PreparedSlot>,
    manifest: Vec<u8>,
    signatures: Vec<u8>,
}

impl std::fmt::Display for Prepared {
    /// What [`install`] would do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetInfo { version, security_version, .. } = &self.release;
        writeln!(
            f,
            "version {version}, security version {security_version}, is signed, whole and for this device"
        )?;
        for PreparedSlot { plan, .. } in &self.slots {
            let label = self.plan.target.label(&plan.class.class);
            let from = match plan.from {
                Origin::Bundle => "from the bundle".to_owned(),
                Origin::Set(set) => format!("from set {set}"),
            };
            writeln!(f, "{label}: {} MiB {from}, root hash {}", plan.image.size >> 20, plan.image.root_hash)?;
        }
        writeln!(f, "the running set is left alone; the next boot after `drydock stage` would install it")
    }
}

/// One slot, and what is needed to fill it.
struct PreparedSlot {
    plan: SlotPlan,
    device: Device,
    upper_tree: Vec<u8>,
    groups: Vec<Digest>,
    frames: Box<dyn Frames>,
}

/// Opens a bundle and checks all that can be checked without writing: signatures, every member's place and
/// length, the hash trees' upper levels, the frame tables, and whether it fits this device. Writes nothing.
///
/// `pinned` is the digest of the manifest that the intent means.
pub fn prepare(
    machine: &impl Machine,
    memory: &Memory,
    source: &Source,
    pinned: Option<&str>,
) -> Result<Prepared, Error> {
    let events = machine.events();
    events.started(Step::Source, describe(source));
    let (source, tail) = machine.source(source)?;
    events.started(Step::Verify, "signatures and contents of the bundle");
    let bundle = Bundle::open_with(source, &release::trusted(machine.config())?, tail)?;
    let digest = bundle.manifest_digest().to_string();
    if let Some(pinned) = pinned.filter(|pinned| *pinned != digest) {
        return Err(Error::Refused(format!(
            "the bundle's manifest is {digest}, the intent means {pinned}; the bundle was exchanged, stage it again"
        )));
    }
    let manifest = bundle.manifest();
    let plan = plan::plan(machine.config(), &memory.record, manifest)?;
    for image in manifest.images.iter().filter(|image| plan::is_for_recovery(machine.config(), image)) {
        events.note(format_args!("the bundle's image {} for the recovery itself is left alone", image.name));
    }
    let slots = plan
        .slots
        .iter()
        .map(|slot| prepare_slot(machine, &bundle, &plan, slot))
        .collect::<Result<_, _>>()?;
    let release = release::info(manifest, &digest);
    events.finished(
        Step::Verify,
        format_args!("version {} is signed, whole and for this device", release.version),
    );
    Ok(Prepared {
        release,
        plan,
        slots,
        manifest: bundle.manifest_bytes().to_vec(),
        signatures: bundle.signature_bytes().to_vec(),
    })
}

fn prepare_slot(
    machine: &impl Machine,
    bundle: &Bundle,
    plan: &Plan,
    slot: &SlotPlan,
) -> Result<PreparedSlot, Error> {
    let device = machine.slot(&slot.class, plan.target)?;
    slot.check_room(plan.target, device.size(), bundle.manifest_bytes().len() as u64)?;
    let (upper_tree, groups, frames): (_, _, Box<dyn Frames>) = match slot.from {
        Origin::Bundle => {
            let reader = bundle.image(&slot.image.name)?;
            (reader.groups().to_vec(), reader.group_digests().to_vec(), Box::new(BundleFrames(reader)))
        }
        Origin::Set(set) => {
            let base = machine.slot(&slot.class, set)?;
            let label = set.label(&slot.class.class);
            let (upper, groups) = prove::read_groups(&base, &slot.image, &label)?;
            (upper, groups, Box::new(BaseFrames::new(base, &slot.image, label)))
        }
    };
    Ok(PreparedSlot { plan: slot.clone(), device, upper_tree, groups, frames })
}

/// Carries a prepared update out: writes, proves, commits. On return the new set has its trial, the intent is
/// over, and all of it is on stable storage.
pub fn install(machine: &impl Machine, memory: &mut Memory, prepared: &Prepared) -> Result<(), Error> {
    fill(machine, memory, prepared)?;
    transition::installed(&mut memory.record, prepared.plan.target, prepared.release.clone(), machine.now());
    memory.save()?;
    machine.events().finished(Step::Commit, "trailers, state and boot environment");
    Ok(())
}

/// Fills the slots of the target set, proves them, and gives them their trailers. On return that is on stable storage;
/// the set is not bootable until the record says so.
pub fn fill(machine: &impl Machine, memory: &mut Memory, prepared: &Prepared) -> Result<(), Error> {
    let events = machine.events();
    let target = prepared.plan.target;
    if transition::begin_write(&mut memory.record, target) {
        memory.save()?;
    }
    for slot in &prepared.slots {
        trailer::invalidate(&slot.device)?;
    }
    for slot in &prepared.slots {
        let label = target.label(&slot.plan.class.class);
        events.started(Step::Write, format_args!("{label} ({} MiB)", slot.plan.image.size >> 20));
        let job = Job {
            image: &slot.plan.image,
            upper_tree: &slot.upper_tree,
            groups: &slot.groups,
            hasher: Hasher::new(&slot.plan.image.salt),
            frames: &*slot.frames,
            slot: &slot.device,
            label: label.clone(),
        };
        let in_place = job.run(machine.threads(), events)?;
        if in_place > 0 {
            events.note(format_args!("{} MiB of {label} were in place already", in_place >> 20));
        }
        events.finished(Step::Write, &label);
    }
    for slot in &prepared.slots {
        let label = target.label(&slot.plan.class.class);
        events.started(Step::Prove, format_args!("{label} by reading it back"));
        machine.prove(&slot.plan.class, target, &slot.plan.image)?;
        events.finished(Step::Prove, &label);
    }
    events.started(Step::Commit, format_args!("set {target} is version {}", prepared.release.version));
    for slot in &prepared.slots {
        let trailer = Trailer {
            manifest: prepared.manifest.clone(),
            signatures: prepared.signatures.clone(),
            image: slot.plan.image.name.clone(),
        };
        trailer::write(&slot.device, &trailer)?;
    }
    Ok(())
}

fn describe(source: &Source) -> String {
    match source {
        Source::Data { path } => format!("{path} on data"),
        Source::Medium(medium) => format!("{} on a removable medium", medium.path),
        Source::Partition { label } => format!("partition {label}"),
    }
}
