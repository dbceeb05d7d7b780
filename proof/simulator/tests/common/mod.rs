//! Devices that bad things happen to.

#![allow(dead_code)]

pub(crate) mod technicians;

use drydock_engine::live;
use drydock_engine::recover::Next;
use drydock_engine::update::Look;
use drydock_fixtures::Parts;
use drydock_format::{Digest, MANIFEST, ReadAt, sha256};
use drydock_models::Start;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::operations::Moments;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::truth;
use drydock_simulator::workshop::{LIKE_THE_FIRST, Workshop};
use drydock_state::{Job, Outcome, SetName, Source, UnixTime, transition};
use std::sync::{Arc, LazyLock};

/// The device of all these tests.
pub(crate) static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::new(SETUPS[0]));
/// Its disk at several moments.
pub(crate) static MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&WORKSHOP));

/// The path that the bad bundle has on `data`.
pub(crate) const PATH: &str = "bad.drydock";

/// A device that runs version 2 in set b, and could start version 1 in set a, which an update would overwrite.
pub(crate) fn device() -> SimDevice<'static> {
    SimDevice::new(&WORKSHOP, MOMENTS.second.clone())
}

pub(crate) fn source() -> Source {
    Source::Data { path: PATH.into() }
}

/// The members of version 3's bundle.
pub(crate) fn parts() -> Parts {
    Parts::of(&WORKSHOP.version("3").bundle)
}

/// What a bad bundle must not touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spares {
    /// The fault is known before writing: neither the old set nor the target.
    Both,
    /// It shows only while writing: the old set.
    OldSet,
}

/// Version 5 is in set b, byte for byte, and runs. Returns what the history says of it.
pub(crate) fn installed(device: &SimDevice) -> String {
    assert_eq!(device.run(), End::Up(SetName::B));
    let set =
        truth::set_is_whole(device.workshop, &device.disk, SetName::B).map(|release| release.version.clone());
    assert_eq!(set.as_deref(), Ok(LIKE_THE_FIRST));
    assert_eq!(device.violations(), Vec::<String>::new());
    let (outcome, reason) = told(device);
    assert_eq!(outcome, Outcome::Installed);
    reason
}

/// Whether nothing was written to a set since `before`, not even the same bytes.
pub(crate) fn untouched(device: &SimDevice, before: &Contents, set: SetName) -> bool {
    let now = device.disk.view();
    WORKSHOP.slots().iter().all(|(_, own, range)| *own != set || now.shares(before, range))
}

/// Lets the live system refuse a bundle, and then recovery, to which it comes as if it had been exchanged after
/// staging: the reason is given in these words, the old system is next, and what can be spared is untouched.
pub(crate) fn refused(name: &str, bundle: Vec<u8>, words: &[&str], spares: Spares) {
    let manifest = Parts::of(&bundle).members.into_iter().find(|(name, _)| name == MANIFEST);
    let digest = sha256(&manifest.map(|(_, bytes)| bytes).unwrap_or_default());
    refused_from(device(), name, Arc::new(bundle), digest, words, spares);
}

/// The same, for any device and source, and for a manifest with this digest.
pub(crate) fn refused_from(
    mut device: SimDevice,
    name: &str,
    bytes: Arc<dyn ReadAt>,
    digest: Digest,
    words: &[&str],
    spares: Spares,
) {
    device.bundles.insert(PATH.into(), bytes);
    let says_why = |text: &str| {
        for word in words {
            assert!(text.contains(word), "{name}: `{word}` is not in: {text}");
        }
    };

    let before = device.disk.view();
    let staged = device.live(|machine| live::stage(machine, source(), Look::Whole));
    match (staged, spares) {
        (Err(error), Spares::Both) => {
            says_why(&error.to_string());
            assert!(
                before.shares(&device.disk.view(), &(0..before.size())),
                "{name}: staging wrote something"
            );
        }
        (Ok(_), Spares::Both) => panic!("{name}: it was staged"),
        (Err(error), Spares::OldSet) => panic!("{name}: it was not staged: {error}"),
        (Ok(_), Spares::OldSet) => device = device.again(before, None),
    }

    device.change(|record| {
        let job = Job::Update { source: source(), manifest: digest };
        transition::stage(record, job, "3", UnixTime(0)).unwrap();
    });
    fails(&device, name, words, spares);
}

/// Lets recovery do what is staged, which must end in the old system, with the reason in the history.
pub(crate) fn fails(device: &SimDevice, name: &str, words: &[&str], spares: Spares) {
    let before = device.disk.view();
    assert_eq!(device.boot(), Boot::Recovered(Next::Reboot(SetName::B)), "{name}");
    assert!(untouched(device, &before, SetName::B), "{name}: the old set was written");
    if spares == Spares::Both {
        assert!(untouched(device, &before, SetName::A), "{name}: the target was written");
    }
    assert_eq!(device.decision(), Some(Start::Set(SetName::B)), "{name}");
    let record = device.record().unwrap();
    let last = record.history.last().unwrap();
    assert_eq!((&last.outcome, &record.intent), (&Outcome::Failed, &None), "{name}");
    for word in words {
        assert!(last.reason.contains(word), "{name}: `{word}` is not in: {}", last.reason);
    }
    assert_eq!(device.run(), End::Up(SetName::B), "{name}");
    assert_eq!(device.violations(), Vec::<String>::new(), "{name}");
}

/// What the history says of the last update.
pub(crate) fn told(device: &SimDevice) -> (Outcome, String) {
    let history = device.record().unwrap().history;
    let entry = history
        .into_iter()
        .rfind(|entry| entry.outcome == Outcome::Installed || entry.outcome == Outcome::Failed);
    let entry = entry.expect("it is in the history");
    (entry.outcome, entry.reason)
}

/// Changes bytes of a partition.
pub(crate) fn damage(contents: &Contents, label: &str, offset: u64, bytes: &[u8]) -> Contents {
    let mut contents = contents.clone();
    contents.write(WORKSHOP.range(label).start + offset, bytes);
    contents
}
