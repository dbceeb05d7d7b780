//! What is done to a device while its power is cut.

mod first;
mod hooked;
mod operation;

pub use operation::Operation;

use crate::contents::Contents;
use crate::cut::Progress;
use crate::device::{Boot, End, SimDevice};
use crate::fetches;
use crate::kept::SimKept;
use crate::server::{Answer, SimServer};
use crate::workshop::{LIKE_THE_FIRST, Workshop};
use drydock_block::BlockDevice;
use drydock_engine::live;
use drydock_engine::recover::Next;
use drydock_fixtures::Parts;
use drydock_format::tree::BLOCK;
use drydock_state::grub::Grub;
use drydock_state::{Bootloader, Outcome, SetName, Source, Wanted};
use operation::{boot, op};
use std::ops::Range;
use std::sync::Arc;

/// The partition that a bundle is written to.
const FACTORY: &str = "factory";
/// So much of a bundle, in bytes, is in flight when it is staged.
const END: usize = 2 * BLOCK;

/// All operations.
pub fn all(workshop: &Workshop) -> Vec<Operation<'_>> {
    if workshop.setup.data.is_blank() {
        return first::all(workshop);
    }
    let moments = Moments::new(workshop);
    let device = |contents: &Contents| SimDevice::new(workshop, contents.clone());
    let mut all = vec![
        op(
            "stage",
            device(&moments.first),
            |device| device.stage("2"),
            |progress| match progress.staged {
                Some(_) => &["2"],
                None => &["1", "2"],
            },
        ),
        op(
            "stage-what-was-written",
            device(&moments.unwritten),
            |device| {
                write_bundle(device, |end| end..u64::MAX);
                device.stage_from(Source::Partition { label: FACTORY.into() });
            },
            |progress| match progress.staged {
                Some(_) => &["2"],
                None => &["1", "2"],
            },
        ),
        op(
            "cancel",
            device(&moments.staged),
            |device| device.cancel(),
            |progress| match progress.cancelled {
                Some(_) => &["1"],
                None => &["1", "2"],
            },
        ),
        op("update", device(&moments.staged), boot, |_| &["2"]),
        op("update-by-delta", slim(device(&moments.staged_like)), boot, |_| &["5"]),
        op("update-past-a-delta", crooked(device(&moments.staged_like)), boot, |_| &["5"]),
        op("update-over", device(&moments.staged_again), boot, |_| &["3"]),
        op("update-with-holes", fetched(device(&moments.staged_again)), boot, |_| &["3"]),
        op("mark-good", device(&moments.installed), boot, |_| &["2"]),
        Operation {
            story: &[Outcome::RolledBack],
            ..op("roll-back", sick(device(&moments.installed)), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::FellBack],
            ..op("fall-back", sick(device(&moments.second)), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::RolledBack],
            unless: "2",
            ..op(
                "roll-back-by-hand",
                device(&moments.second),
                |device| device.roll_back(SetName::B),
                given_up,
            )
        },
        Operation {
            story: &[Outcome::MarkedBad],
            unless: "2",
            ..op("mark-bad", device(&moments.second), |device| device.mark_bad(SetName::B), given_up)
        },
        Operation {
            story: &[Outcome::RolledBack],
            unless: "2",
            ..op(
                "end-trial-by-hand",
                device(&moments.installed),
                |device| device.roll_back(SetName::A),
                given_up,
            )
        },
        Operation {
            story: &[Outcome::RolledBack, Outcome::NotStarted, Outcome::FellBack],
            ..op("boot-floor", device(&moments.below), boot, |_| &["2"])
        },
        Operation { story: &[Outcome::Rearmed], ..op("re-arm", device(&moments.starved), boot, |_| &["2"]) },
        Operation {
            story: &[Outcome::Failed],
            ..op("failed-update", broken(device(&moments.staged)), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::RecoveryUpdated],
            ..op("update-recovery", device(&moments.brought), boot, |_| &["4"])
        },
        Operation {
            story: &[Outcome::Failed],
            ..op("recovery-that-hangs", hanging(device(&moments.written)), boot, |_| &["4"])
        },
        Operation {
            story: &[Outcome::StateRebuilt],
            lost: true,
            ..op("rebuild", device(&moments.lost), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::Reset],
            seldom: 16,
            ..op("reset", without_slots(device(&moments.reset)), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::Reset],
            seldom: 16,
            ..op("reset-slots", device(&moments.reset), boot, |_| &["3"])
        },
        Operation { story: &[Outcome::Wiped], ..op("wipe", device(&moments.wipe), boot, |_| &["1"]) },
    ];
    all.extend(hooked::all(workshop, &moments));
    all
}

/// Version 2 was given up, or not yet.
fn given_up(progress: &Progress) -> &'static [&'static str] {
    if progress.given_up.is_some() { &["1"] } else { &["1", "2"] }
}

/// Version 2 never says that it is well.
fn sick(mut device: SimDevice<'_>) -> SimDevice<'_> {
    device.sick = Some("2".into());
    device
}

/// The recovery of version 4 never comes up.
fn hanging(mut device: SimDevice<'_>) -> SimDevice<'_> {
    device.hangs = Some("4".into());
    device
}

/// A factory reset leaves the slots alone.
fn without_slots(mut device: SimDevice<'_>) -> SimDevice<'_> {
    device.config.factory_reset.restore_slots = false;
    device
}

/// The bundle of version 2 is damaged behind everything that is checked before writing.
fn broken(mut device: SimDevice<'_>) -> SimDevice<'_> {
    let mut parts = Parts::of(&device.workshop.version("2").bundle);
    let frames = parts.get("root.zst");
    let last = frames.len() - 20;
    frames[last] ^= 1;
    device.bundles.insert("2.drydock".into(), Arc::new(parts.bytes()));
    device
}

/// The bundle of version 5 has nothing but deltas from version 1.
fn slim(mut device: SimDevice<'_>) -> SimDevice<'_> {
    device.bundles.insert("5.drydock".into(), Arc::new(device.workshop.slim(LIKE_THE_FIRST)));
    device
}

/// Of the bundle of version 3 there is just what the device lacks.
fn fetched(mut device: SimDevice<'_>) -> SimDevice<'_> {
    let bundle = device.workshop.version("3").bundle.clone();
    let (server, _) = SimServer::new(bundle, Box::new(|_, _, _| Answer::Right));
    let keep = SimKept::new(None);
    fetches::bring(&device, server, &keep).expect("nothing is in its way");
    device.bundles.insert("3.drydock".into(), Arc::new(fetches::holes(&keep)));
    device
}

/// The deltas in the bundle of version 5 are damaged.
fn crooked(mut device: SimDevice<'_>) -> SimDevice<'_> {
    let mut parts = Parts::of(&device.workshop.version(LIKE_THE_FIRST).bundle);
    for name in ["boot.delta-0.data", "root.delta-0.data"] {
        let data = parts.get(name);
        let middle = data.len() / 2;
        data[middle] ^= 0x10;
    }
    device.bundles.insert("5.drydock".into(), Arc::new(parts.bytes()));
    device
}

/// Disks at the moments between operations.
pub struct Moments {
    /// Version 1 runs, and nothing else was ever there.
    pub first: Contents,
    /// The same, and the partition `factory` has all but the end of version 2's bundle.
    pub unwritten: Contents,
    /// Version 2 is staged.
    pub staged: Contents,
    /// Version 5 is staged.
    pub staged_like: Contents,
    /// Version 2 is installed and has not run yet.
    pub installed: Contents,
    /// Version 2 runs, version 1 is the second choice.
    pub second: Contents,
    /// The same, and version 3 is staged.
    pub staged_again: Contents,
    /// Versions 2 and 1 have used up their attempts.
    pub starved: Contents,
    /// Version 1 is first, which is older than what the device boots; version 2 is the second choice.
    pub below: Contents,
    /// Version 1 runs, and both replicas of the record are gone.
    pub lost: Contents,
    /// Version 4 is installed and has not run yet; it brings a recovery.
    pub brought: Contents,
    /// The same, it is good, and its recovery is in copy b, which has not run yet.
    pub written: Contents,
    /// Version 1 runs, and a factory reset is staged.
    pub reset: Contents,
    /// Version 1 runs, and a wipe of `logs` is staged.
    pub wipe: Contents,
}

impl Moments {
    /// What is fetched by whom: a full bundle, and one with deltas.
    pub fn fetches(&self) -> [(&'static str, &Contents); 2] {
        [("3", &self.second), (LIKE_THE_FIRST, &self.first)]
    }

    /// Lets a device live through all of them, with its power on.
    pub fn new(workshop: &Workshop) -> Self {
        let device = SimDevice::new(workshop, workshop.flashed());
        assert_eq!(device.run(), End::Up(SetName::A));
        let first = device.disk.view();
        let fresh = SimDevice::new(workshop, first.clone());
        write_bundle(&fresh, |end| 0..end);
        let unwritten = fresh.disk.view();
        let like = SimDevice::new(workshop, first.clone());
        like.stage(LIKE_THE_FIRST);
        let staged_like = like.disk.view();
        device.stage("2");
        let staged = device.disk.view();
        device.boot();
        let installed = device.disk.view();
        assert_eq!(device.run(), End::Up(SetName::B));
        let second = device.disk.view();
        device.stage("3");
        let staged_again = device.disk.view();

        let device = SimDevice::new(workshop, second.clone());
        let env = Grub::open(workshop.partition(&device.disk, "bootenv").unwrap()).unwrap();
        let mut told: Wanted = env.observe().expect("the environment is whole").into();
        (told.attempts.a, told.attempts.b) = (0, 0);
        env.want(&told).expect("the disk is sound");
        let starved = device.disk.view();

        let device = SimDevice::new(workshop, second.clone());
        device.roll_back(SetName::B);
        device.change(|record| record.floors.boot = 2);
        let below = device.disk.view();

        let mut lost = first.clone();
        let state = workshop.range("state");
        lost.write(state.start, &vec![0; (state.end - state.start) as usize]);
        let device = SimDevice::new(workshop, first.clone());
        device.stage("4");
        device.boot();
        let brought = device.disk.view();
        loop {
            match device.boot() {
                Boot::Up(set) => assert!(device.is_well(set)),
                Boot::Recovered(Next::TryCopy(_)) => break,
                other => panic!("{other:?}"),
            }
        }
        let written = device.disk.view();

        let device = SimDevice::new(workshop, first.clone());
        device.live(live::factory_reset).expect("it is staged");
        let reset = device.disk.view();
        let device = SimDevice::new(workshop, first.clone());
        device.live(|machine| live::wipe(machine, "logs")).expect("it is staged");
        let wipe = device.disk.view();
        Self {
            brought,
            written,
            reset,
            wipe,
            first,
            unwritten,
            staged,
            staged_like,
            installed,
            second,
            staged_again,
            starved,
            below,
            lost,
        }
    }
}

/// A part of version 2's bundle is written to the partition `factory`, and not flushed: the part is before or after
/// where its end begins.
fn write_bundle(device: &SimDevice, part: impl Fn(u64) -> Range<u64>) {
    let mut bundle = device.workshop.version("2").bundle.to_vec();
    bundle.resize(bundle.len().next_multiple_of(BLOCK), 0);
    let Range { start, end } = part((bundle.len() - END) as u64);
    let partition = device.workshop.partition(&device.disk, FACTORY).expect("there is one");
    let part = &bundle[start as usize..bundle.len().min(end as usize)];
    partition.write_at(start, part).expect("the disk is sound");
}
