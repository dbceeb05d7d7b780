//! Devices that are cut everywhere, and what must be on them after that.

use drydock_block::Flush;
use drydock_config::Role;
use drydock_engine::tree::FOLDER;
use drydock_fixtures::Random;
use drydock_simulator::application::{CLASS, carried, expected, layer, of_root, own};
use drydock_simulator::contents::Contents;
use drydock_simulator::cut::{Choice, Replay};
use drydock_simulator::device::{Boot, SimDevice};
use drydock_simulator::setup::WITH_FILES;
use drydock_simulator::trees::{Arrived, Node, Shape, SimTrees, Tree};
use drydock_simulator::truth;
use drydock_simulator::workshop::Workshop;
use drydock_state::SetName;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

pub(crate) static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::new(WITH_FILES));
/// Version 1 runs in set a, and the device keeps a file of its own in the tree.
pub(crate) static FIRST: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let device = SimDevice::new(&WORKSHOP, WORKSHOP.flashed());
    assert_eq!(up(&device, Kept::Nothing), Ok("1".into()));
    own(&&**device.trees.as_ref().unwrap(), &files(SetName::A)).unwrap();
    at_rest(&device)
});
/// Version 2 runs in set b after that.
pub(crate) static SECOND: LazyLock<(Contents, Tree)> = LazyLock::new(|| {
    let device = device(&FIRST);
    device.stage("2");
    assert_eq!(up(&device, Kept::Own), Ok("2".into()));
    at_rest(&device)
});

/// What a device has of its own in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// What it was given.
    Own,
    /// Nothing, as after a factory reset.
    Nothing,
}

/// How often a device may boot until it is at rest.
const BOOTS: usize = 12;

pub(crate) fn files(set: SetName) -> PathBuf {
    Path::new(FOLDER).join(CLASS).join(set.to_string()).join("files")
}

/// A device with this on its disk and on `data`.
pub(crate) fn device((disk, tree): &(Contents, Tree)) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, disk.clone());
    device.trees = Some(Arc::new(SimTrees::new(tree.clone(), device.disk.clone())));
    device
}

pub(crate) fn at_rest(device: &SimDevice) -> (Contents, Tree) {
    (device.disk.view(), device.trees.as_ref().unwrap().tree().after_a_cut(Arrived::All))
}

/// Boots a device until it is at rest. Whenever a set is entered, its tree must be exactly its release's, and what leads to the
/// running one's must lead to it. Returns the version that runs in the end.
pub(crate) fn up(device: &SimDevice, kept: Kept) -> Result<String, String> {
    for _ in 0..BOOTS {
        let boot = device.boot();
        let Boot::Up(set) = boot else { continue };
        let version =
            truth::version(&WORKSHOP, &device.disk, set).ok_or("a set is entered that is not whole")?;
        holds(device, set, &version, kept)?;
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

/// The folder of the trees on this device.
fn folder(device: &SimDevice) -> PathBuf {
    match device.config.tree(CLASS).partition {
        Some(_) => PathBuf::new(),
        None => Path::new(FOLDER).join(CLASS),
    }
}

/// Whether a set that was entered has its tree.
fn holds(device: &SimDevice, set: SetName, version: &str, kept: Kept) -> Result<(), String> {
    let tree = device.trees.as_ref().unwrap().tree();
    let (found, wanted) = (
        tree.below(&folder(device).join(set.to_string()).join("files")),
        expected(version, kept == Kept::Own),
    );
    same(&format!("the tree of set {set}, version {version}"), &found, &wanted)?;
    let carries = device.config.class_with_role(Role::Root).is_some_and(|root| !root.carry.is_empty());
    if carries {
        let found = tree.below(&layer(set).join("files"));
        // Of a device that was reset the other set follows by an update: it carries what the factory's root has.
        let wanted = match kept {
            Kept::Own => carried(version),
            Kept::Nothing if found.is_empty() => BTreeMap::new(),
            Kept::Nothing => of_root(version),
        };
        same(&format!("what lies over set {set}, version {version}"), &found, &wanted)?;
    }
    let all = tree.below(&folder(device));
    match all.get(Path::new("current")).map(|node| &node.shape) {
        Some(Shape::Link(to)) if *to == Path::new(&set.to_string()).join("files") => Ok(()),
        other => Err(format!("set {set} runs, and `current` is {other:?}")),
    }
}

fn same(what: &str, found: &BTreeMap<PathBuf, Node>, wanted: &BTreeMap<PathBuf, Node>) -> Result<(), String> {
    let differ = |path: &&PathBuf| found.get(*path) != wanted.get(*path);
    let differ: BTreeSet<_> = found.keys().chain(wanted.keys()).filter(differ).collect();
    let shown = |path: &&PathBuf| format!("{}: {:?}", path.display(), found.get(*path));
    match differ.is_empty() {
        true => Ok(()),
        false => Err(format!("{what} is another one: {:?}", differ.iter().map(shown).collect::<Vec<_>>())),
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

/// Cuts what follows `prepare` everywhere; a device that has `kept` this must then run one of these versions. Returns how many
/// devices were run, and what went wrong.
pub(crate) fn cuts(
    start: &(Contents, Tree),
    prepare: impl Fn(&mut SimDevice<'static>),
    (versions, kept): (&[&str], Kept),
    swallowed: Option<Flush>,
) -> (usize, Vec<String>) {
    let mut one = device(start);
    one.trees.as_ref().unwrap().swallow(swallowed);
    prepare(&mut one);
    let begun = at_rest(&one);
    let run = |from: &(Contents, Tree)| {
        let mut next = device(from);
        next.sick = one.sick.clone();
        next.config = one.config.clone();
        next.trees.as_ref().unwrap().swallow(swallowed);
        next
    };
    let mut random = Random::new(5);
    let (mut count, mut wrong) = (0, BTreeSet::new());
    let whole = run(&begun);
    up(&whole, kept).unwrap();
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
            let mut judge = |device: &SimDevice, what: String| match up(device, kept) {
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

/// [`cuts`], after each of which all is well.
pub(crate) fn survives(
    start: &(Contents, Tree),
    prepare: impl Fn(&mut SimDevice<'static>),
    end: (&[&str], Kept),
) {
    let (count, wrong) = cuts(start, prepare, end, None);
    println!("{count} devices");
    assert!(count > 100, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}
