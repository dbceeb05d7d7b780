//! Updates by deltas that were made once their release was signed: as good as the release's own, and no way around anything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, PATH, Spares, installed, refused, source, told};
use drydock_bundle::create::Known;
use drydock_bundle::{Extent, Request, supplement};
use drydock_engine::fetch::{Fetched, Stream};
use drydock_engine::update::Look;
use drydock_engine::{Error, live};
use drydock_fixtures::{Parts, noise};
use drydock_format::{Bundle, DELTAS, DELTAS_SIGNATURES, MANIFEST, Manifest, SIGNATURES, Supplement, sha256};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::fetches::{bring, holes, session};
use drydock_simulator::kept::SimKept;
use drydock_simulator::server::{Answer, Served, SimServer, look};
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::{LIKE_THE_FIRST, VERSIONS, Workshop};
use drydock_state::{Outcome, SetName};
use std::sync::{Arc, LazyLock, Mutex};

/// The same device, but version 5 was signed without deltas.
static LATER: LazyLock<Workshop> = LazyLock::new(|| {
    let mut workshop = Workshop::new(SETUPS[0]);
    let number = VERSIONS.iter().position(|version| *version == LIKE_THE_FIRST).unwrap();
    let images = workshop.images(LIKE_THE_FIRST);
    let bundle = workshop.bundle(LIKE_THE_FIRST, number as u32 + 1, &images);
    let mut parts = Parts::of(&bundle);
    let release = &mut workshop.releases[number];
    release.manifest = parts.get(MANIFEST).clone();
    release.signatures = parts.get(SIGNATURES).clone();
    release.info.manifest = sha256(&release.manifest).into();
    release.bundle = Arc::new(bundle);
    workshop
});

/// Version 5 with deltas from these images that were made later.
fn made_from(images: [(&str, Vec<u8>); 2], extent: Extent) -> Parts {
    let folder = tempfile::tempdir().unwrap();
    let bases = images.map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Known { image: Some(name.into()), path }
    });
    let release = Bundle::open_unverified(LATER.version(LIKE_THE_FIRST).bundle.to_vec()).unwrap();
    let request = Request { bases: &bases, keys: &LATER.keys[..1], workers: 1, extent };
    let path = folder.path().join("later");
    supplement(&release, &request, &path).unwrap();
    Parts::of(&std::fs::read(path).unwrap())
}

fn later(extent: Extent) -> Parts {
    made_from(LATER.images(VERSIONS[0]), extent)
}

/// A device that runs version 1 and has this file, staged.
fn staged(file: &Parts) -> SimDevice<'static> {
    let mut device = SimDevice::new(&LATER, MOMENTS.first.clone());
    device.bundles.insert(PATH.into(), Arc::new(file.bytes()));
    device.live(|machine| live::stage(machine, source(), Look::Quick)).unwrap();
    device
}

/// The old system runs, and the history says why.
fn kept_the_old_one(device: &SimDevice) -> String {
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.violations(), Vec::<String>::new());
    let (outcome, reason) = told(device);
    assert_eq!(outcome, Outcome::Failed);
    reason
}

/// Replaces what a delta has, and signs the list anew with a key that the device trusts.
fn forged(mut file: Parts, change: impl FnOnce(&mut Parts)) -> Parts {
    change(&mut file);
    let mut list = Supplement::parse(file.get(DELTAS)).unwrap();
    for member in &mut list.members {
        let bytes = file.get(&member.name);
        (member.size, member.sha256) = (bytes.len() as u64, Some(sha256(bytes)));
    }
    file.sign_as([DELTAS, DELTAS_SIGNATURES], &list.to_bytes(), &[&LATER.keys[0]]);
    file
}

#[test]
fn a_device_that_has_the_base_needs_nothing_but_the_later_deltas() {
    for extent in [Extent::Slim, Extent::Whole] {
        assert_eq!(installed(&staged(&later(extent))), "");
    }
    let slim = later(Extent::Slim).bytes().len();
    let whole = LATER.version(LIKE_THE_FIRST).bundle.to_vec().len();
    assert!(slim < whole / 2, "{slim} of {whole}");
    // All of it is proven when it is staged, too.
    let mut device = SimDevice::new(&LATER, MOMENTS.first.clone());
    device.bundles.insert(PATH.into(), Arc::new(later(Extent::Slim).bytes()));
    device.live(|machine| live::stage(machine, source(), Look::Whole)).unwrap();
    assert_eq!(installed(&device), "");
}

#[test]
fn what_is_staged_is_the_release_whichever_file_brings_it() {
    let mut device = staged(&later(Extent::Whole));
    device.bundles.insert(PATH.into(), Arc::new(later(Extent::Slim).bytes()));
    assert_eq!(installed(&device), "");
    let mut device = staged(&later(Extent::Slim));
    device.bundles.insert(PATH.into(), Arc::new(LATER.version(LIKE_THE_FIRST).bundle.to_vec()));
    assert_eq!(installed(&device), "");
}

#[test]
fn a_device_without_the_base_says_for_which_it_is_and_writes_nothing() {
    let file = later(Extent::Slim);
    let first = Manifest::parse(&LATER.version(VERSIONS[0]).manifest).unwrap();
    let base = first.image("boot").unwrap().root_hash.to_string();
    let words = ["was left out of this one", "it only has deltas for devices with the root hash", &base];
    refused("another base", file.bytes(), &words, Spares::Both);
    refused("another base", file.bytes(), &["take the whole bundle"], Spares::Both);
    // That is known without a look at the contents.
    let mut device = SimDevice::new(&LATER, MOMENTS.second.clone());
    device.bundles.insert(PATH.into(), Arc::new(file.bytes()));
    let said = device.live(|machine| live::stage(machine, source(), Look::Quick)).unwrap_err().to_string();
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}

#[test]
fn a_list_that_is_not_of_this_release_or_not_signed_is_refused_before_anything_is_written() {
    let good = later(Extent::Whole);
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut file = good.clone();
        change(&mut file);
        file.bytes()
    };
    let of_another = |file: &mut Parts| {
        let mut list = Supplement::parse(file.get(DELTAS)).unwrap();
        list.manifest = sha256(&LATER.version("3").manifest);
        file.sign_as([DELTAS, DELTAS_SIGNATURES], &list.to_bytes(), &[&LATER.keys[0]]);
    };
    refused("another release's", with(&of_another), &["list of later deltas", "this release"], Spares::Both);
    let unknown = |file: &mut Parts| {
        let list = file.get(DELTAS).clone();
        file.sign_as([DELTAS, DELTAS_SIGNATURES], &list, &[&LATER.keys[2]]);
    };
    refused("an unknown key's", with(&unknown), &["deltas.json", "unknown keys"], Spares::Both);
    let unsigned = |file: &mut Parts| file.get(DELTAS_SIGNATURES).fill(b'\n');
    refused("unsigned", with(&unsigned), &["deltas.json", "there are none"], Spares::Both);
    let changed = |file: &mut Parts| file.get(DELTAS)[100] ^= 1;
    refused("changed", with(&changed), &["wrong for this list of later deltas"], Spares::Both);
}

#[test]
fn a_signed_delta_that_is_nonsense_costs_nothing_but_frames() {
    let noisy = |name: &'static str| {
        move |file: &mut Parts| {
            let bytes = file.get(name);
            *bytes = noise(bytes.len(), 3);
        }
    };
    for name in ["root.delta-0.data", "root.delta-0.index", "boot.delta-0.data"] {
        let reason = installed(&staged(&forged(later(Extent::Whole), noisy(name))));
        assert!(reason.contains("was filled with more than its delta ("), "{name}: {reason}");
    }
    // A delta that is sound, but begins with something else than it says.
    let elsewhere = LATER.images(VERSIONS[0]).map(|(name, mut bytes)| {
        bytes.iter_mut().step_by(9001).for_each(|byte| *byte ^= 1);
        (name, bytes)
    });
    let mut others = made_from(elsewhere, Extent::Slim);
    let mut other = |extent| {
        forged(later(extent), |file| {
            for member in ["root.delta-0.index", "root.delta-0.data"] {
                file.get(member).clone_from(others.get(member));
            }
        })
    };
    let reason = installed(&staged(&other(Extent::Whole)));
    assert!(reason.contains("was filled with more than its delta ("), "{reason}");
    assert!(kept_the_old_one(&staged(&other(Extent::Slim))).contains("filling root-b"));
}

#[test]
fn a_signed_delta_that_is_nonsense_and_alone_leaves_the_old_system_with_the_reason() {
    for name in ["root.delta-0.data", "root.delta-0.index"] {
        let file = forged(later(Extent::Slim), |file| {
            let bytes = file.get(name);
            *bytes = noise(bytes.len(), 3);
        });
        // It comes as if it had been exchanged after staging.
        let mut device = staged(&later(Extent::Slim));
        device.bundles.insert(PATH.into(), Arc::new(file.bytes()));
        let reason = kept_the_old_one(&device);
        for words in
            ["filling root-b: its delta can't be used (", "root.zst was left out", "take the whole bundle"]
        {
            assert!(reason.contains(words), "`{words}` is not in: {reason}");
        }
    }
}

fn server(file: &Parts) -> (SimServer, Arc<Mutex<Served>>) {
    SimServer::new(Arc::new(file.bytes()), Box::new(|_, _, _| Answer::Right))
}

fn fetched(device: &SimDevice, file: &Parts, keep: &Arc<SimKept>) -> (Result<Fetched, Error>, usize) {
    let (server, served) = server(file);
    let came = bring(device, server, keep);
    let asked = look(&served).asked.len();
    (came, asked)
}

#[test]
fn a_server_has_them_as_it_has_any_bundle() {
    let device = || SimDevice::new(&LATER, MOMENTS.first.clone());
    for extent in [Extent::Slim, Extent::Whole] {
        let (file, keep) = (later(extent), SimKept::new(None));
        let fetched = fetched(&device(), &file, &keep).0.unwrap();
        assert_eq!(fetched.version, LIKE_THE_FIRST);
        assert!(extent == Extent::Slim || fetched.there < fetched.length / 2, "{fetched:?}");
        let mut device = device();
        device.bundles.insert(PATH.into(), Arc::new(holes(&keep)));
        device.live(|machine| live::stage(machine, source(), Look::Whole)).unwrap();
        assert_eq!(installed(&device), "");
    }
    // Read while it is installed.
    let mut device = device();
    let stream = Stream::open(session(server(&later(Extent::Slim)).0)).unwrap();
    device.bundles.insert(PATH.into(), Arc::new(stream));
    device.live(|machine| live::stage(machine, source(), Look::Quick)).unwrap();
    assert_eq!(installed(&device), "");
}

#[test]
fn a_device_without_the_base_fetches_the_tables_once_and_says_why_not_more() {
    let device = SimDevice::new(&LATER, MOMENTS.second.clone());
    let (file, keep) = (later(Extent::Slim), SimKept::new(None));
    let (came, asked) = fetched(&device, &file, &keep);
    let said = came.unwrap_err().to_string();
    assert!(said.contains("it only has deltas for devices with the root hash"), "{said}");
    assert!(asked <= 4, "{asked} requests");
}

#[test]
fn what_came_of_one_file_is_not_taken_for_another_ones() {
    let device = SimDevice::new(&LATER, MOMENTS.first.clone());
    let file = later(Extent::Slim);
    let crooked = forged(file.clone(), |file| {
        let bytes = file.get("root.delta-0.data");
        *bytes = noise(bytes.len(), 3);
    });
    assert_eq!(file.bytes().len(), crooked.bytes().len());
    let keep = SimKept::new(None);
    let said = fetched(&device, &crooked, &keep).0.unwrap_err();
    assert!(said.is_of_contents(), "{said}");
    assert!(said.to_string().contains("its delta can't be used"), "{said}");
    let came = fetched(&device, &file, &keep).0.unwrap();
    assert!(came.received >= came.there, "{came:?}");
}
