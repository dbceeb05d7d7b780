//! The part of the proof in QEMU that every run of the tests does.

use drydock_cuts::job::Job;
use drydock_cuts::recording::{Recording, play};
use drydock_cuts::{boots, judge, points};
use drydock_simulator::cut::Choice;
use drydock_simulator::proof::Kind;

/// How many cuts are booted.
const BOOTED: usize = 4;

#[test]
fn a_sample_of_the_cuts_of_an_update_in_qemu_ends_in_the_old_or_the_new_system() {
    let recording = Recording::make("sample", &Job::named("first-update").unwrap()).unwrap();
    lies_are_noticed(&recording);
    let findings = boots::run(&recording, &points::choose(&recording, BOOTED, 7), 2);
    assert!(findings.failures.is_empty(), "the lines above do each case again");
    assert_eq!((findings.cuts, findings.states.len()), (BOOTED, BOOTED));
    assert!(findings.runs > BOOTED, "none of the cuts led through the recovery");
}

/// A disk as a missing flush could have left it: the record tells of an update of which one sector never arrived.
fn lies_are_noticed(recording: &Recording) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.img");
    let mut replay = recording.replay();
    recording.entries[..recording.ends[1]].iter().for_each(|entry| play(&mut replay, entry));
    let whole = replay.contents(Choice::Prefix(replay.flight()));
    whole.save(&path).unwrap();
    let outlook = judge::Disk::open(recording, &path).unwrap().check_at_rest(2).unwrap();
    assert_eq!(outlook.version, recording.new);

    let mut damaged = whole.clone();
    let at = judge::Disk::open(recording, &path).unwrap().start("root-b").unwrap() + (1 << 20);
    let mut sector = [0; 512];
    recording.base.read(at, &mut sector);
    damaged.write(at, &sector);
    assert_ne!(damaged.fingerprint(), whole.fingerprint());
    damaged.save(&path).unwrap();
    let failure = judge::Disk::open(recording, &path).unwrap().check_at_rest(2).unwrap_err();
    assert_eq!(failure.kind, Kind::Lie, "{failure}");

    recording.base.save(&path).unwrap();
    let failure = judge::Disk::open(recording, &path).unwrap().check_at_rest(1).unwrap_err();
    assert_eq!(failure.kind, Kind::Broken, "the intent was promised: {failure}");
}
