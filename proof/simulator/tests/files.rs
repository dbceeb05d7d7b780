//! Files on `data`: cut at every moment of being written, on a filesystem that keeps only what was flushed; and the proof
//! that a missing flush or rename is noticed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_block::Flush;
use drydock_engine::fetch::holes::{CLAIM_SUFFIX, Claim};
use drydock_engine::fetch::{FETCHED, UPLOADED, discard};
use drydock_engine::files::{Files, replace};
use drydock_engine::machine_id;
use drydock_engine::reset::archive::{Entry, Kind};
use drydock_engine::reset::unpack::unpack;
use drydock_format::Digest;
use drydock_simulator::files::SimFiles;
use drydock_state::{SetInfo, UnixTime, transition};
use std::path::Path;

const LIMIT: u64 = 1 << 20;

fn file<'a>(path: &'a str, contents: &'a [u8]) -> Entry<'a> {
    Entry { kind: Kind::File, path: Path::new(path), mode: 0o644, uid: 0, gid: 0, contents }
}

/// Keeps a machine id; each one that is made is another one.
fn keep_id(files: &SimFiles, seed: u8) -> Result<Vec<u8>, String> {
    let mut warnings = vec![];
    let mut random = |bytes: &mut [u8]| {
        bytes.fill(seed);
        Ok(())
    };
    let id = machine_id::keep(files, &mut random, &mut |text| warnings.push(text)).unwrap();
    match warnings.first() {
        None => Ok(id),
        Some(warning) => Err(warning.clone()),
    }
}

/// What goes wrong when the power is cut while the first machine id is made, at any moment.
fn first_machine_id(swallowed: Option<Flush>) -> Result<(), String> {
    let files = SimFiles::new(swallowed);
    let id = keep_id(&files, 1)?;
    let moments = files.cuts();
    for (nth, moment) in moments.iter().enumerate() {
        for left in moment {
            let next = keep_id(left, 2)?;
            if nth + 1 == moments.len() && next != id {
                return Err("the id that systemd was given is another one after a cut".into());
            }
            if keep_id(&left.at_rest(), 3)? != next {
                return Err("the id is another one at the next boot".into());
            }
        }
    }
    Ok(())
}

/// What goes wrong when the power is cut while a file takes another one's place by this means.
fn another_in_its_place(swallowed: Option<Flush>, by: impl Fn(&SimFiles, &Entry<'_>)) -> Result<(), String> {
    const PATH: &str = "lib/drydock/file";
    let (old, new) = (file(PATH, b"what was there before"), file(PATH, b"new"));
    let before = SimFiles::new(swallowed);
    replace(&before, &old).unwrap();
    let files = before.at_rest();
    by(&files, &new);
    let moments = files.cuts();
    for (nth, moment) in moments.iter().enumerate() {
        for left in moment {
            let found = left.read(Path::new(PATH), LIMIT).map_err(|error| error.to_string())?;
            let over = nth + 1 == moments.len();
            if found != new.contents && (over || found != old.contents) {
                return Err(format!("{found:?} is there"));
            }
            by(left, &new);
            assert_eq!(left.read(Path::new(PATH), LIMIT).unwrap(), new.contents, "once more, after a cut");
        }
    }
    Ok(())
}

/// What is missing when the power is cut right after all was put back that survives a factory reset.
fn what_is_kept(swallowed: Option<Flush>) -> Result<(), String> {
    let entries = [
        Entry { kind: Kind::Folder, contents: b"", ..file("lib", b"") },
        file("lib/id", b"pump-0815"),
        Entry { kind: Kind::Link, ..file("link", b"lib/id") },
    ];
    let mut packed = vec![];
    assert!(entries.iter().all(|entry| entry.append(&mut packed)));
    let files = SimFiles::new(swallowed);
    unpack(&files, &packed).unwrap();
    for left in files.cuts().last().unwrap() {
        for entry in &entries[1..] {
            let found = left.read(entry.path, LIMIT).map_err(|error| format!("{:?}: {error}", entry.path))?;
            if found != entry.contents {
                return Err(format!("{:?} holds {found:?}", entry.path));
            }
        }
    }
    Ok(())
}

/// What is left of a fetched or uploaded bundle whose update is settled when the power is cut while it is removed: never the bundle
/// without the claim by which the next call finds it.
fn what_came(bundle: &str, swallowed: Option<Flush>) -> Result<(), String> {
    let manifest = Digest([7; 32]);
    let claim = Claim {
        manifest,
        file: manifest,
        length: 9,
        from: "a test".into(),
        have: std::iter::once(0..9).collect(),
    };
    let claim = claim.encode().unwrap();
    let beside = format!("{bundle}{CLAIM_SUFFIX}");
    let release = SetInfo { manifest: manifest.into(), ..SetInfo::default() };
    let record = transition::flashed(release, UnixTime(0));
    let before = SimFiles::new(swallowed);
    replace(&before, &file(bundle, b"a bundle.")).unwrap();
    replace(&before, &file(&beside, &claim)).unwrap();
    let files = before.at_rest();
    discard(&files, bundle, &record).unwrap();
    let is_there = |files: &SimFiles, path: &str| files.read(Path::new(path), LIMIT).is_ok();
    for left in files.cuts().iter().flatten() {
        if is_there(left, bundle) && !is_there(left, &beside) {
            return Err("the bundle is left, and nothing knows of it".into());
        }
        discard(left, bundle, &record).unwrap();
        assert!(!is_there(left, bundle) && !is_there(left, &beside), "once more, after a cut");
    }
    // Of a release that the device does not have nothing is removed.
    let files = before.at_rest();
    discard(&files, bundle, &transition::flashed(SetInfo::default(), UnixTime(0))).unwrap();
    assert!(is_there(&files, bundle) && is_there(&files, &beside));
    Ok(())
}

fn everything(swallowed: Option<Flush>) -> Result<(), String> {
    first_machine_id(swallowed)?;
    another_in_its_place(swallowed, |files, new| replace(files, new).unwrap())?;
    what_is_kept(swallowed)?;
    what_came(FETCHED, swallowed)?;
    what_came(UPLOADED, swallowed)
}

#[test]
fn a_file_on_data_is_the_old_or_the_new_one_whenever_the_power_is_cut() {
    everything(None).unwrap();
}

#[test]
fn a_flush_of_a_file_or_folder_that_does_nothing_is_noticed() {
    for flush in
        [Flush::FileWritten, Flush::FileNamed, Flush::FolderNamed, Flush::FilesKept, Flush::BundleRemoved]
    {
        let why = everything(Some(flush)).expect_err(&format!("nothing notices that {flush:?} does nothing"));
        println!("without {flush:?}: {why}");
    }
}

#[test]
fn a_file_that_is_written_in_place_is_noticed() {
    let in_place = |files: &SimFiles, new: &Entry<'_>| {
        files.overwrite(new.path, new.contents).unwrap();
        files.flush(new.path, Flush::FileWritten).unwrap();
    };
    let why = another_in_its_place(None, in_place).expect_err("nothing notices that the rename is missing");
    println!("without a rename: {why}");
}
