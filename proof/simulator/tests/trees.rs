//! Trees of files: cut at every write, rename and flush of an update, of the removal of an old tree and of a rollback, on a
//! filesystem that keeps only what was flushed. After each cut the device comes up with a set whose tree is exactly that set's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_block::Flush;
use drydock_engine::live;
use drydock_engine::tree::FOLDER;
use drydock_fixtures::Random;
use drydock_simulator::application::{CLASS, expected, own};
use drydock_simulator::contents::Contents;
use drydock_simulator::cut::{Choice, Replay};
use drydock_simulator::device::{Boot, SimDevice};
use drydock_simulator::setup::WITH_FILES;
use drydock_simulator::trees::{Arrived, Shape, SimTrees, Tree};
use drydock_simulator::truth;
use drydock_simulator::workshop::Workshop;
use drydock_state::SetName;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::new(WITH_FILES));
/// Version 1 runs in set a, and the device keeps a file of its own in the tree.
static FIRST: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let device = SimDevice::new(&WORKSHOP, WORKSHOP.flashed());
    assert_eq!(up(&device, false), Ok("1".into()));
    own(&&**device.trees.as_ref().unwrap(), &files(SetName::A)).unwrap();
    at_rest(&device)
});
/// Version 2 runs in set b after that.
static SECOND: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let device = device(&FIRST);
    device.stage("2");
    assert_eq!(up(&device, true), Ok("2".into()));
    at_rest(&device)
});

/// How often a device may boot until it is at rest.
const BOOTS: usize = 12;

fn files(set: SetName) -> PathBuf {
    Path::new(FOLDER).join(CLASS).join(set.to_string()).join("files")
}

/// A device with this on its disk and on `data`.
fn device((disk, tree): &(Contents, Tree)) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, disk.clone());
    device.trees = Some(Arc::new(SimTrees::new(tree.clone(), device.disk.clone())));
    device
}

fn at_rest(device: &SimDevice) -> (Contents, Tree) {
    (device.disk.view(), device.trees.as_ref().unwrap().tree().after_a_cut(Arrived::All))
}

/// Boots a device until it is at rest. Whenever a set is entered, its tree must be exactly its release's, and what leads to the
/// running one's must lead to it. Returns the version that runs in the end.
fn up(device: &SimDevice, own: bool) -> Result<String, String> {
    for _ in 0..BOOTS {
        let boot = device.boot();
        let Boot::Up(set) = boot else { continue };
        let version =
            truth::version(&WORKSHOP, &device.disk, set).ok_or("a set is entered that is not whole")?;
        holds(device, set, &version, own)?;
        let is_well = device.is_well(set);
        if is_well && device.record().is_some_and(|record| record.intent.is_none()) {
            return match device.violations().first() {
                None => Ok(version),
                Some(violation) => Err(violation.clone()),
            };
        }
    }
    Err("it never came to rest".into())
}

/// Whether a set that was entered has its tree.
fn holds(device: &SimDevice, set: SetName, version: &str, own: bool) -> Result<(), String> {
    let tree = device.trees.as_ref().unwrap().tree();
    let (found, wanted) = (tree.below(&files(set)), expected(version, own));
    if found != wanted {
        let differ: Vec<_> = found
            .keys()
            .chain(wanted.keys())
            .filter(|path| found.get(*path) != wanted.get(*path))
            .map(|path| format!("{}: {:?}", path.display(), found.get(path)))
            .collect();
        return Err(format!("the tree of set {set}, version {version}, is another one: {differ:?}"));
    }
    let all = tree.below(&Path::new(FOLDER).join(CLASS));
    match all.get(Path::new("current")).map(|node| &node.shape) {
        Some(Shape::Link(to)) if *to == Path::new(&set.to_string()).join("files") => Ok(()),
        other => Err(format!("set {set} runs, and `current` is {other:?}")),
    }
}

/// What a cut leaves of a device.
struct Moment {
    /// How much had happened to the disk.
    disk: usize,
    tree: Tree,
}

/// Every moment of an operation: after each write and flush of the disk, and after each change of the trees.
fn moments(device: &SimDevice) -> Vec<Moment> {
    let of_trees = device.trees.as_ref().unwrap().moments();
    let mut all = Vec::new();
    for pair in of_trees.windows(2) {
        let (from, to) = (pair[0].0, pair[1].0);
        all.extend((from..=to).map(|disk| Moment { disk, tree: pair[0].1.clone() }));
    }
    let (from, tree) = of_trees.last().unwrap();
    all.extend((*from..=device.disk.logged()).map(|disk| Moment { disk, tree: tree.clone() }));
    all
}

/// Cuts an operation everywhere. Returns how many devices were run, and what went wrong.
fn cuts(
    start: &(Contents, Tree),
    prepare: impl Fn(&mut SimDevice<'static>),
    versions: &[&str],
    swallowed: Option<Flush>,
) -> (usize, Vec<String>) {
    let fresh = |from: &(Contents, Tree)| {
        let mut device = device(from);
        device.trees.as_ref().unwrap().swallow(swallowed);
        prepare(&mut device);
        device
    };
    let one = fresh(start);
    let begun = at_rest(&one);
    let run = |from: &(Contents, Tree)| {
        let mut next = device(from);
        next.sick = one.sick.clone();
        next.trees.as_ref().unwrap().swallow(swallowed);
        next
    };
    let mut random = Random::new(5);
    let (mut count, mut wrong) = (0, BTreeSet::new());
    let whole = run(&begun);
    up(&whole, true).unwrap();
    let log = whole.disk.log();
    for moment in moments(&whole) {
        let mut replay = Replay::new(begun.0.clone(), WORKSHOP.setup.sector);
        log[..moment.disk].iter().for_each(|op| replay.play(op));
        let mut choices = vec![Arrived::All, Arrived::Nothing];
        choices.extend((0..3).map(|_| Arrived::Some(random.number())));
        if moment.tree.flight() > 0 {
            let which = random.below(moment.tree.flight());
            choices.extend([Arrived::First(which), Arrived::AllBut(which), Arrived::Only(which)]);
        } else {
            choices.truncate(2);
        }
        for (nth, arrived) in choices.into_iter().enumerate() {
            let disk = match nth {
                0 => Choice::Prefix(replay.flight()),
                1 => Choice::Prefix(0),
                _ => Choice::any(replay.flight(), &mut random),
            };
            let left = (replay.contents(disk), moment.tree.after_a_cut(arrived));
            let device = run(&left);
            count += 1;
            let mut judge = |device: &SimDevice, what: String| match up(device, true) {
                Ok(version) if versions.contains(&version.as_str()) => {}
                Ok(version) => drop(wrong.insert(format!("{what}: version {version} runs"))),
                Err(why) => drop(wrong.insert(format!("{what}: {why}"))),
            };
            judge(&device, format!("after {} of the disk, {arrived:?}", moment.disk));
            // A second cut, in the run after the first one.
            if random.below(8) == 0 {
                let log = device.disk.log();
                let all = moments(&device);
                let then = &all[random.below(all.len())];
                let mut replay = Replay::new(left.0.clone(), WORKSHOP.setup.sector);
                log[..then.disk].iter().for_each(|op| replay.play(op));
                let choice = Choice::any(replay.flight(), &mut random);
                let again = Arrived::Some(random.number());
                count += 1;
                judge(&run(&(replay.contents(choice), then.tree.after_a_cut(again))), "a second cut".into());
            }
        }
    }
    (count, wrong.into_iter().collect())
}

fn survives(start: &(Contents, Tree), prepare: impl Fn(&mut SimDevice<'static>), versions: &[&str]) {
    let (count, wrong) = cuts(start, prepare, versions, None);
    println!("{count} devices");
    assert!(count > 100, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn an_update_of_files_survives_every_cut() {
    survives(&FIRST, |device| device.stage("2"), &["2"]);
}

#[test]
fn an_update_over_an_old_tree_survives_every_cut_also_of_its_removal() {
    survives(&SECOND, |device| device.stage("3"), &["3"]);
}

#[test]
fn a_rollback_survives_every_cut_and_goes_back_to_the_old_tree() {
    let sick = |device: &mut SimDevice<'static>| {
        device.stage("2");
        device.sick = Some("2".into());
    };
    survives(&FIRST, sick, &["1"]);
}

#[test]
fn a_tree_that_has_its_name_before_it_is_written_is_noticed() {
    let (_, wrong) = cuts(&FIRST, |device| device.stage("2"), &["2"], Some(Flush::TreeWritten));
    assert!(!wrong.is_empty());
}

/// The tree of set a does not say what it holds, and is made anew from itself when the set is started.
fn unnamed(device: &mut SimDevice<'static>) {
    use drydock_engine::machine::Trees;
    let trees = device.trees.as_ref().unwrap();
    (&**trees).remove(&files(SetName::A).with_file_name("holds")).unwrap();
}

#[test]
fn a_tree_that_takes_its_own_place_survives_every_cut_with_what_the_device_keeps_in_it() {
    survives(&FIRST, unnamed, &["1"]);
}

#[test]
fn an_old_tree_that_is_removed_while_it_may_still_have_the_name_is_noticed() {
    let (_, wrong) = cuts(&FIRST, unnamed, &["1"], Some(Flush::TreeNamed));
    assert!(!wrong.is_empty());
}

/// The trees are gone with all data.
#[test]
fn a_set_whose_tree_is_gone_gets_it_from_its_slot_when_it_is_started() {
    let device = device(&(FIRST.0.clone(), Tree::default()));
    assert_eq!(up(&device, false), Ok("1".into()));
}

#[test]
fn after_a_factory_reset_the_trees_are_made_from_what_the_slots_hold() {
    let device = device(&FIRST);
    device.live(live::factory_reset).unwrap();
    // The factory's bundle is version 3's; what the device kept is gone with all data.
    assert_eq!(up(&device, false), Ok("3".into()));
    let mut kept = self::device(&FIRST);
    kept.config.factory_reset.restore_slots = false;
    kept.live(live::factory_reset).unwrap();
    assert_eq!(up(&kept, false), Ok("1".into()));
}

#[test]
fn a_tree_that_is_not_required_keeps_no_set_from_being_started() {
    let mut device = device(&FIRST);
    device.config.trees = vec![drydock_config::Tree { required: false, ..device.config.tree(CLASS) }];
    device.stage("2");
    // There is nothing that a tree could be made on.
    device.trees = None;
    let boots: Vec<_> = (0..3).map(|_| device.boot()).collect();
    assert!(boots.contains(&Boot::Up(SetName::B)), "{boots:?}");
    let mut strict = self::device(&FIRST);
    strict.stage("2");
    strict.trees = None;
    assert!(matches!(strict.boot(), Boot::Recovered(_)));
    let failed = strict.record().unwrap().history.last().cloned().unwrap();
    assert!(failed.reason.contains("opening the trees of files"), "{failed:?}");
}
