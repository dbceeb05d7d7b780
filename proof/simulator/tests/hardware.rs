//! One bundle for several revisions of the hardware.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{PATH, Spares, WORKSHOP, device, refused_from, source};
use drydock_config::{Role, SlotClass};
use drydock_engine::live;
use drydock_engine::recover::Next;
use drydock_engine::update::Look;
use drydock_fixtures::Parts;
use drydock_format::{MANIFEST, sha256};
use drydock_simulator::device::{Boot, SimDevice};
use drydock_state::SetName;
use std::sync::Arc;

/// A device whose boot slots hold another image on each revision of the hardware, and which is of this one.
fn of_revision(revision: &str) -> SimDevice<'static> {
    let mut device = device();
    let only = |revision: &str| SlotClass {
        partition: Some("boot".into()),
        only_if: vec![revision.into()],
        ..SlotClass::new(&format!("boot-{revision}"), Role::Boot)
    };
    device.config.slots.retain(|slot| slot.role != Role::Boot);
    device.config.slots.splice(0..0, [only("r1"), only("r2")]);
    device.config.revision.found = vec!["acme,pump".into(), revision.into()];
    device
}

/// A release with an image for each of the two.
fn bundle() -> Vec<u8> {
    let [boot, root] = WORKSHOP.images("4");
    let other = boot.1.iter().map(|byte| !byte).collect();
    WORKSHOP.bundle("4", 4, &[("boot-r1", boot.1), ("boot-r2", other), root])
}

#[test]
fn one_bundle_gives_each_revision_of_the_hardware_its_own_image() {
    let [(_, of_r1), _] = WORKSHOP.images("4");
    let of_r2: Vec<u8> = of_r1.iter().map(|byte| !byte).collect();
    for (revision, expected) in [("r1", of_r1), ("r2", of_r2)] {
        let mut device = of_revision(revision);
        device.bundles.insert(PATH.into(), Arc::new(bundle()));
        device.live(|machine| live::stage(machine, source(), Look::Whole)).unwrap();
        assert_eq!(device.boot(), Boot::Recovered(Next::Reboot(SetName::A)), "{revision}");
        let mut found = vec![0; expected.len()];
        let slot = WORKSHOP.slot(&device.disk, "boot", SetName::A).unwrap();
        slot.read_at(0, &mut found).unwrap();
        assert!(found == expected, "{revision}");
        let release = device.live(|machine| drydock_engine::release::of_set(machine, SetName::A)).unwrap();
        assert_eq!(release.version, "4");
    }
}

#[test]
fn hardware_that_the_configuration_does_not_name_refuses_every_bundle_with_the_list() {
    let bundle = bundle();
    let digest = sha256(Parts::of(&bundle).get(MANIFEST));
    let words = ["revision `r3`", "knows r1, r2, no others"];
    refused_from(of_revision("r3"), "another revision", Arc::new(bundle), digest, &words, Spares::Both);
}
