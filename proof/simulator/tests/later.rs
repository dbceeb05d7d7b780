//! Bundles of a made-up later version of drydock are installed by this one, from what it knows of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, Spares, WORKSHOP, parts, refused};
use drydock_engine::recover::Next;
use drydock_fixtures::Parts;
use drydock_format::{MANIFEST, SIGNATURES, sha256};
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::Workshop;
use drydock_state::{SetName, SetStatus};
use std::sync::Arc;

/// Version 3 with a delta, fields that tell about it, and what is critical in it.
fn later(critical: &str) -> Vec<u8> {
    let mut parts = parts();
    let delta = vec![7; 70_000];
    let end = format!(
        r#",{{"name":"root.delta.data","size":70000,"sha256":"{}"}}],"patches":[{{"image":"root"}}],"critical":[{critical}]"#,
        sha256(&delta)
    );
    let manifest = parts.manifest().replacen(r#"],"critical":[]"#, &end, 1);
    assert!(manifest.contains(&end), "{manifest}");
    parts.sign(manifest.as_bytes(), &[&WORKSHOP.keys[0]]);
    parts.members.push(("root.delta.data".into(), delta));
    parts.bytes()
}

#[test]
fn a_release_with_deltas_is_installed_from_its_frames() {
    let mut workshop = Workshop::new(SETUPS[0]);
    let third = workshop.releases.iter_mut().find(|release| release.version == "3").unwrap();
    let mut parts = Parts::of(&later(""));
    third.bundle = Arc::new(parts.bytes());
    third.manifest = parts.get(MANIFEST).clone();
    third.signatures = parts.get(SIGNATURES).clone();
    third.info.manifest = sha256(&third.manifest).into();

    let device = SimDevice::new(&workshop, MOMENTS.second.clone());
    device.stage("3");
    assert_eq!(device.boot(), Boot::Recovered(Next::Reboot(SetName::A)));
    // From now on this version reads the later manifest in the slots' trailers, too.
    assert_eq!(device.run(), End::Up(SetName::A));
    let record = device.record().unwrap();
    assert_eq!((record.sets.a.status, record.sets.a.version.as_str()), (SetStatus::Good, "3"));
    assert_eq!(device.violations(), Vec::<String>::new());
}

#[test]
fn a_release_that_must_not_be_installed_without_its_deltas_is_refused() {
    let words = ["unknown critical field", "patches", "update the recovery"];
    refused("critical deltas", later("\"patches\""), &words, Spares::Both);
}
