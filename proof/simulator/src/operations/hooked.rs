//! Operations with hooks at every place.

use super::moments::Moments;
use super::operation::{Operation, boot, op, without_slots};
use crate::contents::Contents;
use crate::device::SimDevice;
use crate::script::file_at;
use crate::workshop::Workshop;
use drydock_config::HookPlace;
use drydock_engine::machine::Ended;
use drydock_state::Outcome;

/// All places.
const PLACES: [HookPlace; 5] = [
    HookPlace::BeforeWrite,
    HookPlace::AfterWrite,
    HookPlace::FirstGood,
    HookPlace::BeforeReset,
    HookPlace::AfterReset,
];

/// All of them.
pub(super) fn all<'f>(workshop: &'f Workshop, moments: &Moments) -> Vec<Operation<'f>> {
    let device = |contents: &Contents| {
        let mut device = SimDevice::new(workshop, contents.clone());
        device.config.hooks = PLACES.map(file_at).into();
        device
    };
    vec![
        op("update-with-hooks", device(&moments.staged), boot, |_| &["2"]),
        op("mark-good-with-hooks", device(&moments.installed), boot, |_| &["2"]),
        Operation {
            story: &[Outcome::Failed],
            ..op("refused-before-write", refusing(device(&moments.staged), "before-write"), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::Failed],
            ..op("refused-after-write", refusing(device(&moments.staged), "after-write"), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::Reset],
            seldom: 16,
            ..op("reset-with-hooks", without_slots(device(&moments.reset)), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::Failed],
            ..op("refused-before-reset", refusing(device(&moments.reset), "before-reset"), boot, |_| &["1"])
        },
        Operation {
            story: &[Outcome::Wiped],
            ..op("wipe-with-hooks", device(&moments.wipe), boot, |_| &["1"])
        },
    ]
}

/// The hook of this name always says no.
fn refusing<'f>(mut device: SimDevice<'f>, name: &str) -> SimDevice<'f> {
    device.script.ends.insert(name.into(), Ended::Exit(1));
    device
}
