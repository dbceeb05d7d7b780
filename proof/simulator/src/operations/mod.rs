//! What is done to a device while its power is cut.

mod first;
mod hooked;
mod moments;
mod operation;

pub use moments::Moments;
pub use operation::{Operation, op};

use crate::contents::Contents;
use crate::cut::Progress;
use crate::device::SimDevice;
use crate::fetches;
use crate::kept::SimKept;
use crate::loader::Loader;
use crate::server::{Answer, SimServer};
use crate::workshop::{LIKE_THE_FIRST, Workshop};
use drydock_fixtures::Parts;
use drydock_state::{Outcome, SetName, Source};
use moments::{FACTORY, write_bundle};
use operation::{boot, without_slots};
use std::sync::Arc;

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
    if workshop.setup.loader == Loader::None {
        // There is one image, and nobody starts another one.
        all.retain(|operation| !["update-recovery", "recovery-that-hangs"].contains(&operation.name));
    }
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
