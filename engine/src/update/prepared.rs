//! A bundle that is signed and meant for this device, with everything ready to write it.

use super::delta::BaseDelta;
use super::frames::{BaseFrames, BundleFrames};
use super::plan::{self, Origin, Plan, SlotPlan};
use super::prove;
use super::sections::Groups;
use super::write::{Content, Frames, Job, Lacks, Scratch};
use crate::error::Error;
use crate::event::{Event, PlannedSlot, Step};
use crate::machine::{Device, Machine};
use crate::release::{self, Carried, image_of};
use drydock_block::BlockDevice;
use drydock_config::{Config, Role};
use drydock_format::trailer::Trailer;
use drydock_format::{Bundle, Digest, ImageReader, Manifest};
use drydock_state::{CopyName, Intent, Record, SetInfo, SlotName, Source};

/// A bundle that is signed and meant for this device, with everything ready to write it. Its contents have not been read
/// yet.
pub struct Prepared {
    /// The release.
    pub release: SetInfo,
    /// The digest of its manifest.
    pub digest: Digest,
    /// What is to be done.
    pub plan: Plan,
    pub(super) slots: Vec<PreparedSlot>,
    /// The recovery that is to be written later.
    pub(super) recovery: Option<Brought>,
    /// What tells the bundle's bytes from any others.
    pub stamp: Option<String>,
    /// Whether its bytes come over a network while they are read.
    pub(super) is_streamed: bool,
    /// The hooks that the bundle brings.
    #[cfg(feature = "hooks")]
    pub(crate) hooks: Vec<crate::hook::Planned>,
    manifest: Manifest,
}

/// A recovery that a bundle brings.
pub(super) struct Brought {
    /// Where the bundle is.
    pub(super) source: Source,
    pub(super) reader: ImageReader,
}

impl std::fmt::Display for Prepared {
    /// What an installation would do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetInfo { version, security_version, .. } = &self.release;
        writeln!(f, "version {version}, security version {security_version}, is signed and for this device")?;
        for PreparedSlot { plan, label, delta, .. } in &self.slots {
            let from = match plan.from {
                Origin::Bundle => match delta {
                    Some(delta) => format!("from the bundle by the delta from {}", delta.label),
                    None => "from the bundle".to_owned(),
                },
                Origin::Set(set) => format!("from set {set}"),
            };
            writeln!(f, "{label}: {} MiB {from}, root hash {}", plan.image.size >> 20, plan.image.root_hash)?;
        }
        if self.recovery.is_some() {
            writeln!(f, "recovery: one copy follows, once the new set is marked good")?;
        }
        writeln!(f, "the running set is left alone; the next boot after `drydock stage` would install it")
    }
}

/// One slot, and what is needed to fill it.
pub(super) struct PreparedSlot {
    pub(super) plan: SlotPlan,
    pub(super) name: SlotName,
    pub(super) label: String,
    pub(super) device: Device,
    pub(super) trailer: Trailer,
    upper_tree: Vec<u8>,
    groups: Vec<Digest>,
    frames: Box<dyn Frames>,
    delta: Option<BaseDelta>,
    /// Why a delta that there is can't be used.
    unfit: Option<String>,
}

/// Plans what is to be done with an open bundle, and opens what it needs. Writes nothing.
pub(super) fn prepare_bundle(
    machine: &impl Machine,
    record: &Record,
    source: &Source,
    bundle: &Bundle,
    stamp: Option<String>,
) -> Result<Prepared, Error> {
    let plan = plan::plan(machine.config(), record, bundle.manifest())?;
    let slots = plan
        .slots
        .iter()
        .map(|slot| prepare_slot(machine, bundle, plan.target.into(), slot))
        .collect::<Result<_, _>>()?;
    let digest = bundle.manifest_digest();
    let release = release::info(bundle.manifest(), digest);
    machine
        .events()
        .finished(Step::Verify, format_args!("version {} is signed and for this device", release.version));
    let recovery = recovery_in(machine, record, bundle)?;
    let recovery = recovery.map(|reader| Brought { source: source.clone(), reader });
    let manifest = bundle.manifest().clone();
    // What is in place of its holes may change, so nobody relies on what was proven before.
    let stamp = stamp.filter(|_| bundle.is_whole());
    let is_streamed = matches!(source, Source::Network { .. });
    Ok(Prepared {
        release,
        digest,
        plan,
        slots,
        recovery,
        stamp,
        is_streamed,
        #[cfg(feature = "hooks")]
        hooks: crate::hook::of_bundle(bundle)?,
        manifest,
    })
}

/// Opens a slot and what fills it. Writes nothing.
pub(super) fn prepare_slot(
    machine: &impl Machine,
    bundle: &Bundle,
    name: SlotName,
    slot: &SlotPlan,
) -> Result<PreparedSlot, Error> {
    let device = machine.slot(&slot.class, name)?;
    slot.check_room(name, device.size(), bundle.manifest_bytes().len() as u64)?;
    let mut left_out = None;
    let (upper_tree, groups, frames): (_, _, Box<dyn Frames>) = match slot.from {
        Origin::Bundle => {
            let reader = bundle.image(&slot.image.name)?;
            left_out = (!reader.has_frames()).then(|| reader.left_out());
            (reader.groups().to_vec(), reader.group_digests().to_vec(), Box::new(BundleFrames(reader)))
        }
        Origin::Set(base) => {
            let label = base.label(slot.class.partition());
            let base = machine.slot(&slot.class, base.into())?;
            let (upper, groups) = prove::read_groups(&base, &slot.image, &label)?;
            (upper, groups, Box::new(BaseFrames::new(base, &slot.image, label)))
        }
    };
    let trailer = Trailer {
        manifest: bundle.manifest_bytes().to_vec(),
        signatures: bundle.signature_bytes().to_vec(),
        image: slot.image.name.clone(),
    };
    let label = name.label(slot.class.partition());
    // None leads to an image that the bundle only pins: the manifest's rules see to that.
    let (delta, unfit) = match BaseDelta::find(machine, bundle, name, slot) {
        Ok(delta) => (delta, None),
        Err(why) => (None, Some(why.to_string())),
    };
    let plan = slot.clone();
    let is_alone = delta.is_none();
    let prepared =
        PreparedSlot { plan, name, label, device, trailer, upper_tree, groups, frames, delta, unfit };
    match left_out.filter(|_| is_alone) {
        // Nothing is left to fill the slot from. That is known before anything is written.
        Some(why) => Err(prepared.explained(why.into())),
        None => Ok(prepared),
    }
}

impl Prepared {
    /// The image that the root of the set will be.
    #[cfg(feature = "hooks")]
    pub(crate) fn root_image(&self) -> Option<&drydock_format::Image> {
        let is_root = |slot: &&PreparedSlot| slot.plan.class.role == Role::Root;
        self.slots.iter().find(is_root).map(|slot| &slot.plan.image)
    }

    /// Returns what an installation would do, as an event.
    pub fn verified(&self) -> Event {
        let planned = |slot: &PreparedSlot| PlannedSlot {
            label: slot.label.clone(),
            size: slot.plan.image.size,
            root_hash: slot.plan.image.root_hash.to_string(),
            copied: slot.plan.from != Origin::Bundle,
        };
        Event::Verified {
            version: self.release.version.clone(),
            security_version: self.release.security_version,
            slots: self.slots.iter().map(planned).collect(),
            recovery: self.recovery.is_some(),
        }
    }

    /// Whether the record, which may have changed since, still lets the bundle be installed as it was planned. An error
    /// says why it can't be installed at all any more.
    pub fn still_fits(&self, config: &Config, record: &Record) -> Result<bool, Error> {
        Ok(plan::plan(config, record, &self.manifest)?.target == self.plan.target)
    }

    /// Reads all that would be written, proves it, and tells so. Writes nothing.
    pub fn prove_source(&self, machine: &impl Machine) -> Result<(), Error> {
        let events = machine.events();
        events.started(Step::Verify, "the contents of the bundle");
        self.prove_contents(machine)?;
        events.finished(Step::Verify, format_args!("version {} is whole", self.release.version));
        Ok(())
    }

    pub(super) fn prove_contents(&self, machine: &impl Machine) -> Result<(), Error> {
        for slot in &self.slots {
            slot.prove(machine)?;
        }
        self.prove_recovery(machine)
    }

    /// The same, but for what is proven already of each slot.
    pub(super) fn prove_rest(&self, machine: &impl Machine, proven: &[Groups]) -> Result<(), Error> {
        for (slot, proven) in self.slots.iter().zip(proven) {
            let rest = slot.job().prove_rest(proven, machine.threads(), machine.events());
            rest.map_err(|error| slot.explained(error))?;
        }
        self.prove_recovery(machine)
    }

    fn prove_recovery(&self, machine: &impl Machine) -> Result<(), Error> {
        if let Some(Brought { reader, .. }) = &self.recovery {
            let (image, frames) = (reader.image(), BundleFrames(reader));
            let content = Content::new(image, reader.group_digests(), &frames);
            // What was left out is not needed, or is missed when the copy is written.
            content.prove(&image.name, machine.threads(), machine.events(), |_, _, _| Ok(()))?;
        }
        Ok(())
    }

    /// Returns why deltas could not give everything, as text for the history: nothing where they did.
    pub(super) fn troubles(&self) -> String {
        self.slots.iter().filter_map(PreparedSlot::trouble).collect::<Vec<_>>().join("; ")
    }

    /// Whether these very bytes were proven when the intent was recorded.
    pub(super) fn was_proven(&self, intent: Option<&Intent>) -> bool {
        let proven = intent.and_then(|intent| intent.proven.as_ref());
        proven.is_some() && proven == self.stamp.as_ref()
    }
}

impl PreparedSlot {
    fn content(&self) -> Content<'_> {
        let content = Content::new(&self.plan.image, &self.groups, &*self.frames);
        Content { delta: self.delta.as_ref(), ..content }
    }

    /// Returns why the delta of the slot could not give all of the image, if there is one and it could not.
    pub(super) fn trouble(&self) -> Option<String> {
        Some(format!("{} was filled with more than its delta ({})", self.label, self.why_not()?))
    }

    fn why_not(&self) -> Option<String> {
        self.delta.as_ref().and_then(BaseDelta::trouble).or_else(|| self.unfit.clone())
    }

    /// Says of an image that was left out why its delta does not do.
    fn explained(&self, error: Error) -> Error {
        match (error, self.why_not()) {
            (Error::Bundle(why @ drydock_format::Error::LeftOut { .. }), Some(trouble)) => {
                Error::Delta { label: self.label.clone(), trouble, why }
            }
            (error, _) => error,
        }
    }

    /// Writes image and hash tree. On return they are on stable storage. Returns the bytes of the image that were in
    /// place already.
    pub(super) fn write(&self, machine: &impl Machine) -> Result<u64, Error> {
        self.job().run(machine.threads(), machine.events()).map_err(|error| self.explained(error))
    }

    /// Reads and proves all that would be written. Writes nothing.
    pub(super) fn prove(&self, machine: &impl Machine) -> Result<(), Error> {
        self.job().prove(machine.threads(), machine.events()).map_err(|error| self.explained(error))
    }

    fn job(&self) -> Job<'_> {
        let label = self.label.clone();
        Job { content: self.content(), upper_tree: &self.upper_tree, slot: &self.device, label }
    }

    /// The bytes of the bundle that are read to fill the slot.
    pub(super) fn lacks(&self, machine: &impl Machine) -> Result<Lacks, Error> {
        if self.plan.from != Origin::Bundle {
            return Ok(Lacks::All(Vec::new(), Groups::new(self.groups.len())));
        }
        let lacks = self.job().lacks(machine.threads(), machine.events())?;
        if let Lacks::All(places, done) = &lacks
            && places.is_empty()
            && !done.has_all(0..self.groups.len())
        {
            // The frames that are needed lie nowhere. What is wrong with the delta is known here, and not in another look.
            let read = self.frames.fetch(0, &mut Scratch::default(), &mut []);
            read.map_err(|error| self.explained(error))?;
        }
        Ok(lacks)
    }
}

/// The image for the recovery's own copies, which are no part of a set, if a bundle carries one. One that does not fit is
/// refused before anything is written.
fn recovery_in(
    machine: &impl Machine,
    record: &Record,
    bundle: &Bundle,
) -> Result<Option<ImageReader>, Error> {
    let next = record.recovery.first.other();
    let Ok(slot) = slot_of_recovery(machine.config(), bundle, next) else { return Ok(None) };
    for name in CopyName::BOTH.map(SlotName::Copy) {
        let room = machine.slot(&slot.class, name)?.size();
        slot.check_room(name, room, bundle.manifest_bytes().len() as u64)?;
    }
    Ok(Some(bundle.image(&slot.image.name)?))
}

/// The image for this copy of the recovery in a bundle, if it carries one.
pub(super) fn slot_of_recovery(config: &Config, bundle: &Bundle, copy: CopyName) -> Result<SlotPlan, Error> {
    let class = config.class_with_role(Role::Recovery);
    let found = class.and_then(|class| {
        let (image, carried) = image_of(bundle.manifest(), &class.class, copy.into())?;
        let plan = SlotPlan { class: class.clone(), image, from: Origin::Bundle };
        (carried == Carried::InBundle).then_some(plan)
    });
    found.ok_or_else(|| Error::Missing {
        what: "an image for the recovery in the bundle".into(),
        advice: "the recovery stays as it is".into(),
    })
}
