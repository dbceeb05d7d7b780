//! Bundles over a line: what is refused and how soon, what is gone on with, and that what is not whole is never installed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, device, parts};
use drydock_block::Flush;
use drydock_engine::fetch::Keep;
use drydock_engine::fetch::holes::Claim;
use drydock_engine::live;
use drydock_engine::recover::Reason;
use drydock_engine::service::landing::{Memory, Raw};
use drydock_fixtures::Random;
use drydock_simulator::cut::{Choice, Replay};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::kept::SimKept;
use drydock_simulator::machine::Visit;
use drydock_simulator::uploads::{Line, Places, Uploaded, stage_it, upload};
use drydock_simulator::workshop::LIKE_THE_FIRST;
use drydock_state::{Outcome, SetName, Source};
use std::collections::HashSet;
use std::sync::Arc;

fn bundle() -> Vec<u8> {
    WORKSHOP.version("3").bundle.to_vec()
}

fn on_data(keep: &Arc<SimKept>) -> Places {
    Places { data: Some(keep.clone()), memory: None }
}

/// Stages what was uploaded, and lets the device install it.
fn installs(mut device: SimDevice<'_>, on: &Places, uploaded: Uploaded, version: &str) {
    let received = uploaded.received.unwrap();
    let staged = stage_it(&mut device, on, &received).unwrap();
    assert_eq!(staged.version, version);
    let End::Up(set) = device.run() else { panic!("no set is up") };
    assert_eq!(device.record().unwrap().sets.get(set).version, version);
    assert_eq!(device.violations(), Vec::<String>::new());
}

/// What is said of a file that is refused, and how much of it came before.
fn refused(file: &[u8]) -> (String, usize) {
    let keep = SimKept::new(None);
    let device = device();
    let uploaded = upload(&device, &on_data(&keep), file, Line::Holds);
    assert!(keep.bytes().is_none() && keep.claim().unwrap().is_none(), "nothing is kept of it");
    assert_eq!(device.disk.log().len(), 0);
    (uploaded.received.unwrap_err().to_string(), uploaded.sent)
}

#[test]
fn a_bundle_and_a_slim_one_that_is_just_a_delta_are_installed_from_each_place() {
    let slim = WORKSHOP.slim(LIKE_THE_FIRST);
    let like_the_first = || SimDevice::new(&WORKSHOP, MOMENTS.first.clone());
    assert!(slim.len() < WORKSHOP.version(LIKE_THE_FIRST).bundle.len() / 2);
    let data = on_data(&SimKept::new(None));
    let memory = Places { data: None, memory: Some(Arc::new(Memory::new(64 << 20))) };
    for (on, place) in [(data, "data"), (Places::default(), "stash")] {
        let device = like_the_first();
        let uploaded = upload(&device, &on, &slim, Line::Holds);
        assert_eq!(uploaded.received.as_ref().unwrap().place, place);
        installs(device, &on, uploaded, LIKE_THE_FIRST);
    }
    // What stands in the stash for a reset is kept nowhere else.
    let device = like_the_first();
    let stash = WORKSHOP.partition(&device.disk, "stash").unwrap();
    let kept =
        drydock_engine::reset::stash::Stash { intent: 1, headers: vec![1; 5000], sealed: vec![2; 900] };
    kept.commit(&stash).unwrap();
    let uploaded = upload(&device, &memory, &slim, Line::Holds);
    assert_eq!(uploaded.received.as_ref().unwrap().source, Source::Memory);
    installs(device, &memory, uploaded, LIKE_THE_FIRST);
    assert!(
        upload(&like_the_first(), &on_data(&SimKept::new(None)), &bundle(), Line::Holds).received.is_ok()
    );
}

#[test]
fn what_is_not_signed_or_not_for_this_device_is_refused_within_its_first_kilobytes() {
    let text = vec![b'x'; 200_000];
    let (why, sent) = refused(&text);
    assert!(sent <= 1024 && why.contains("manifest.json"), "{why} after {sent}");

    let mut foreign = parts();
    foreign.get("manifest.sig")[100] ^= 1;
    let (why, sent) = refused(&foreign.bytes());
    assert!(sent <= 16 << 10, "{why} after {sent}");

    let front = 16 << 10;
    let (why, sent) = refused(&bundle()[..bundle().len() - 20_000]);
    assert!(sent <= front && why.contains("truncated"), "{why} after {sent}");
    let (why, sent) = refused(&[bundle(), vec![0; 1 << 20]].concat());
    assert!(sent <= front, "{why} after {sent}");
    let (why, _) = refused(&[]);
    assert!(why.contains("not whole") || why.contains("bundle"), "{why}");
}

#[test]
fn a_file_for_which_there_is_no_room_is_refused_before_it_comes() {
    let keep = SimKept::with_room(100 << 10);
    let on = Places { data: Some(keep), memory: Some(Arc::new(Memory::new(4096))) };
    let huge = vec![0; 200 << 20];
    let uploaded = upload(&device(), &on, &huge, Line::Holds);
    let why = uploaded.received.unwrap_err().to_string();
    assert!(uploaded.sent == 0 && why.contains("in data") && why.contains("slim"), "{why}");
}

#[test]
fn while_something_is_staged_nothing_is_uploaded_over_it() {
    let device = device();
    device.stage("3");
    let keep = SimKept::new(None);
    let why = upload(&device, &on_data(&keep), &bundle(), Line::Holds).received.unwrap_err().to_string();
    assert!(why.contains("staged already") && keep.bytes().is_none(), "{why}");
}

#[test]
fn after_a_broken_line_the_rest_comes_and_another_file_begins_anew() {
    let file = bundle();
    let half = file.len() / 2;
    let keep = SimKept::new(None);
    let device = device();
    let first = upload(&device, &on_data(&keep), &file, Line::Breaks(half));
    let why = first.received.unwrap_err().to_string();
    assert!(why.contains("goes on from there"), "{why}");
    let again = upload(&device, &on_data(&keep), &file, Line::Holds);
    assert!(again.began > half as u64 - 6000 && again.sent as u64 == file.len() as u64 - again.began);
    assert!(keep.bytes() == Some(file.clone()));
    installs(device, &on_data(&keep), again, "3");

    // The same length, and other bytes.
    let mut other = file.clone();
    other[half - 20_000] ^= 1;
    let keep = SimKept::new(None);
    let device = common::device();
    upload(&device, &on_data(&keep), &other, Line::Breaks(half)).received.unwrap_err();
    let again = upload(&device, &on_data(&keep), &file, Line::Holds);
    assert_eq!(again.began, 0);
    installs(device, &on_data(&keep), again, "3");
}

#[test]
fn contents_that_are_not_what_was_signed_are_not_staged_and_not_gone_on_with() {
    let mut file = bundle();
    let at = file.len() - 30_000;
    file[at] ^= 1;
    let keep = SimKept::new(None);
    let device = device().with_menu();
    let on = on_data(&keep);
    let visit = Visit::typing(&["4", "3", "install", "0", "0"]).sending(&file, Line::Holds, &on);
    let seen = device.visit(visit, Reason::Asked);
    assert!(seen.on(0).contains("does not have"), "{}", seen.on(0));
    assert_eq!(device.record().unwrap().history.last().unwrap().outcome, Outcome::MarkedGood);
    let again = upload(&device, &on, &bundle(), Line::Holds);
    assert_eq!(again.began, 0);
    installs(device, &on, again, "3");
}

#[test]
fn cut_at_any_moment_an_upload_to_data_claims_only_what_is_there_and_is_gone_on_with() {
    let file = bundle();
    let keep = SimKept::new(None);
    upload(&device(), &on_data(&keep), &file, Line::Holds).received.unwrap();
    let (mut seen, mut shorter) = (HashSet::new(), 0);
    for cut in keep.cuts() {
        if !seen.insert(cut.fingerprint()) {
            continue;
        }
        let claimed = claimed(&*cut);
        assert!(cut.bytes().unwrap_or_default()[..claimed] == file[..claimed]);
        let again = upload(&device(), &on_data(&cut), &file, Line::Holds);
        shorter += usize::from(again.began > 0);
        assert!(again.received.is_ok() && cut.bytes() == Some(file.clone()), "{:?}", again.received);
    }
    assert!(seen.len() > 10 && shorter > 7, "{} {shorter}", seen.len());
    // Without the flush something is claimed that is not there.
    let careless = SimKept::new(Some(Flush::BundleFetched));
    upload(&device(), &on_data(&careless), &file, Line::Holds).received.unwrap();
    let lies = |cut: &Arc<SimKept>| {
        let claimed = claimed(&**cut);
        cut.bytes().unwrap_or_default().get(..claimed) != file.get(..claimed)
    };
    assert!(careless.cuts().iter().any(lies));
}

/// How many bytes are claimed to be there.
fn claimed(keep: &dyn Keep) -> usize {
    let claim = keep.claim().unwrap().map(|bytes| Claim::decode(&bytes).unwrap());
    claim.map_or(0, |claim| claim.have.end() as usize)
}

#[test]
fn cut_at_any_moment_an_upload_to_the_stash_is_gone_on_with_and_only_the_whole_is_installed() {
    let file = bundle();
    let device = device();
    let start = device.disk.view();
    let device = device.again(start.clone(), None);
    let on = Places::default();
    let whole = upload(&device, &on, &file, Line::Holds).received.unwrap();
    assert_eq!(whole.place, "stash");
    let log = device.disk.log();
    let (mut random, mut seen, mut shorter, mut installed) = (Random::new(1), HashSet::new(), 0, 0);
    let mut replay = Replay::new(start, WORKSHOP.setup.sector);
    for op in [None].into_iter().chain(log.iter().map(Some)) {
        if let Some(op) = op {
            replay.play(op);
        }
        let flight = replay.flight();
        let mut choices = Choice::all(flight, 4, &mut random);
        choices.retain(|choice| choice.is_at_an_edge(flight) || random.below(40) == 0);
        for choice in choices {
            if !seen.insert(replay.fingerprint(choice)) {
                continue;
            }
            let mut cut = device.again(replay.contents(choice), None);
            let raw = Raw::new(WORKSHOP.partition(&cut.disk, "stash").unwrap());
            let claimed = claimed(&raw);
            let mut there = vec![0; claimed];
            drydock_format::ReadAt::read_at(&raw, 0, &mut there).unwrap();
            assert!(there == file[..claimed], "{claimed} bytes are claimed");
            if claimed < file.len() && seen.len() % 16 == 0 {
                // Whoever stages what is not whole is told so.
                let source = whole.source.clone();
                let staged =
                    cut.live(|machine| live::stage(machine, source, drydock_engine::update::Look::Whole));
                let is_there = {
                    let mut all = vec![0; file.len()];
                    drydock_format::ReadAt::read_at(&raw, 0, &mut all).unwrap();
                    all == file
                };
                assert_eq!(staged.is_ok(), is_there);
                if staged.is_ok() {
                    continue;
                }
            }
            let again = upload(&cut, &on, &file, Line::Holds);
            shorter += usize::from(again.began > 0);
            let received = again.received.unwrap();
            if seen.len() % 24 == 1 {
                stage_it(&mut cut, &on, &received).unwrap();
                assert_eq!(cut.run(), End::Up(SetName::A));
                assert_eq!(cut.record().unwrap().sets.a.version, "3");
                assert_eq!(cut.violations(), Vec::<String>::new());
                installed += 1;
            }
        }
    }
    println!("{} states, {shorter} gone on with, {installed} installed", seen.len());
    assert!(seen.len() > 50 && shorter > 10 && installed > 2, "{} {shorter} {installed}", seen.len());
}
