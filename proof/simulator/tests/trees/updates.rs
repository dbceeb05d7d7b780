//! Updates of trees, and rollbacks.

use crate::cuts::{FIRST, Kept, SECOND, cuts, device, files, survives, up};
use drydock_block::Flush;
use drydock_simulator::application::CLASS;
use drydock_simulator::device::{Boot, SimDevice};
use drydock_simulator::trees::Tree;
use drydock_state::SetName;

#[test]
fn an_update_of_files_survives_every_cut() {
    survives(&FIRST, |device| device.stage("2"), (&["2"], Kept::Own));
}

#[test]
fn an_update_over_an_old_tree_survives_every_cut_also_of_its_removal() {
    survives(&SECOND, |device| device.stage("3"), (&["3"], Kept::Own));
}

#[test]
fn a_rollback_survives_every_cut_and_goes_back_to_the_old_tree() {
    let sick = |device: &mut SimDevice<'static>| {
        device.stage("2");
        device.sick = Some("2".into());
    };
    survives(&FIRST, sick, (&["1"], Kept::Own));
}

#[test]
fn a_tree_that_has_its_name_before_it_is_written_is_noticed() {
    let (_, wrong) = cuts(&FIRST, |device| device.stage("2"), (&["2"], Kept::Own), Some(Flush::TreeWritten));
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
    survives(&FIRST, unnamed, (&["1"], Kept::Own));
}

#[test]
fn an_old_tree_that_is_removed_while_it_may_still_have_the_name_is_noticed() {
    let (_, wrong) = cuts(&FIRST, unnamed, (&["1"], Kept::Own), Some(Flush::TreeNamed));
    assert!(!wrong.is_empty());
}

/// The trees are gone with all data.
#[test]
fn a_set_whose_tree_is_gone_gets_it_from_its_slot_when_it_is_started() {
    let device = device(&(FIRST.0.clone(), Tree::default()));
    assert_eq!(up(&device, Kept::Nothing), Ok("1".into()));
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
    let mut strict = crate::cuts::device(&FIRST);
    strict.stage("2");
    strict.trees = None;
    assert!(matches!(strict.boot(), Boot::Recovered(_)));
    let failed = strict.record().unwrap().history.last().cloned().unwrap();
    assert!(failed.reason.contains("opening the trees of files"), "{failed:?}");
}
