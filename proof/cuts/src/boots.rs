//! Boots every disk that a cut has left, until a system is up.

use crate::job::{IN_TREE, KEPT, LOST, MACHINE_ID, Task, WORD, machine, machine_id};
use crate::judge::Disk as Image;
use crate::recording::{Recording, play};
use drydock_qemu_tests::{Disk, QemuError, Script};
use drydock_simulator::contents::Contents;
use drydock_simulator::proof::{Case, Failure, Findings, Kind};
use drydock_state::SetName;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// In this time each boot says what becomes of it.
const LIMIT: Duration = Duration::from_secs(240);
/// A device that was not up after so many boots never will be.
const BOOTS: usize = 8;
/// After this many failures a proof has failed.
const ENOUGH: usize = 10;

/// Boots the disks of these cuts, given in the order in which they happen, so many at a time. Prints what does a case
/// again as soon as it has failed.
pub fn run(recording: &Recording, cases: &[Case], threads: usize) -> Findings {
    let findings = Mutex::new(Findings::default());
    let disks = Mutex::new(Disks { recording, cases, played: 0, replay: recording.replay() });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let work = |thread: usize| {
        let path = folder.path().join(format!("{thread}.img"));
        loop {
            let Some((case, contents)) = disks.lock().unwrap().next() else { return };
            let outcome = one(recording, case, &contents, &path);
            let mut findings = findings.lock().unwrap();
            findings.cuts += 1;
            findings.states.insert(contents.fingerprint());
            findings.runs += *outcome.as_ref().unwrap_or(&0);
            if let Err(why) = outcome {
                println!("cargo run -p drydock-cuts -- boot {} {case}\n    {why}", recording.name);
                findings.failures.push((case.clone(), why));
            }
            if findings.failures.len() >= ENOUGH {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        (0..threads).for_each(|thread| {
            scope.spawn(move || work(thread));
        });
    });
    findings.into_inner().unwrap()
}

/// The disks of all cuts, one after the other.
struct Disks<'r> {
    recording: &'r Recording,
    cases: &'r [Case],
    played: usize,
    replay: drydock_simulator::cut::Replay,
}

impl<'r> Disks<'r> {
    fn next(&mut self) -> Option<(&'r Case, Contents)> {
        let (case, rest) = self.cases.split_first()?;
        self.cases = rest;
        for entry in &self.recording.entries[self.played..case.cut] {
            play(&mut self.replay, entry);
        }
        self.played = case.cut;
        Some((case, self.replay.contents(case.choice)))
    }
}

/// One cut: what is left, the device's boots from there, and what is left then. Returns the number of boots.
fn one(recording: &Recording, case: &Case, contents: &Contents, path: &Path) -> Result<usize, Failure> {
    contents.save(path).expect("room for a disk");
    let outlook = Image::open(recording, path)?.check_at_rest(recording.boots_over(case.cut))?;
    let mut up = come_up(recording, path)?;
    Image::open(recording, path)?.check_end(&outlook, up.set, &up.version)?;
    let half = |what| Err(Failure { kind: Kind::Half, what });
    if recording.field && up.tree.as_deref() != Some(&format!("app of {}", up.version)) {
        return half(format!("the tree of version {} says {:?}", up.version, up.tree));
    }
    match (&up.files, recording.task, outlook.reset) {
        (_, Task::FirstBoot, _) | ([true, false], _, true) | ([true, true], _, false) => {}
        ([false, _], _, _) => return half(format!("{KEPT} is gone")),
        ([true, true], _, true) => return half(format!("{LOST} is there after a reset")),
        ([true, false], _, false) => return half(format!("{LOST} is gone without a reset")),
    }
    // A system that has known its id has it for ever, unless a reset takes it away with everything else.
    let was_known = case.cut > recording.known;
    match (up.machine_id == recording.machine_id, outlook.reset) {
        (false, false) if was_known => return half(format!("the machine id is now {}", up.machine_id)),
        (true, true) => return half("the machine id is the old one after a reset".into()),
        _ => {}
    }
    if up.machine_id != recording.machine_id && !outlook.reset {
        let next = come_up(recording, path)?;
        if next.machine_id != up.machine_id {
            return half(format!("the machine id was {}, and then {}", up.machine_id, next.machine_id));
        }
        up.boots += next.boots;
    }
    Ok(up.boots)
}

/// A system that runs and has marked itself good.
struct Up {
    boots: usize,
    set: SetName,
    version: String,
    /// Whether the files [`KEPT`] and [`LOST`] are there, with what was in them.
    files: [bool; 2],
    machine_id: String,
    /// What the file in the tree says, if there is a tree.
    tree: Option<String>,
}

/// Boots until a system is up and has marked itself good.
fn come_up(recording: &Recording, disk: &Path) -> Result<Up, Failure> {
    let bricked = |error: QemuError| Failure { kind: Kind::Bricked, what: error.to_string() };
    let script = disk.with_extension("script");
    let ask = Script::default().then("drydock mark-good").then(&format!("show {KEPT}"));
    let ask = ask.then(&format!("show {LOST}")).then(&format!("show {MACHINE_ID}"));
    let ask = if recording.field { ask.then(&format!("show {IN_TREE}")) } else { ask };
    ask.write(&script).map_err(bricked)?;
    let device = machine(&recording.name).disk(Disk::file(disk)).disk(Disk::file(&script).read_only());
    for boots in 1..=BOOTS {
        // Dropping a guest cuts its power: after its last words there is nothing to wait for.
        let mut guest = device.start().map_err(bricked)?;
        match guest.expect_any(&["DRYDOCK-TEST-UP ", "resetting the machine"], LIMIT) {
            Ok((0, _)) => {}
            // A reset, by drydock or by the kernel; QEMU ends then.
            Ok(_) | Err(QemuError::Ended { .. }) => continue,
            Err(error) => return Err(bricked(error)),
        }
        let line = guest.expect_line("version=", LIMIT).map_err(bricked)?;
        let mut done = || guest.expect_line("DRYDOCK-TEST-DONE", LIMIT).map_err(bricked);
        let (marked, _, _, _) = (done()?, done()?, done()?, done()?);
        if recording.field {
            done()?;
        }
        let said = guest.said();
        let Some(machine_id) = machine_id(&said) else {
            return Err(Failure { kind: Kind::Half, what: "there is no machine id".into() });
        };
        let files = [KEPT, LOST].map(|path| said.contains(&format!("DRYDOCK-TEST-FILE {path} {WORD}")));
        let in_tree = said.lines().find_map(|line| line.split_once(&format!("DRYDOCK-TEST-FILE {IN_TREE} ")));
        let tree = in_tree.map(|(_, text)| text.trim().to_owned());
        let word = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name));
        let set = word("set=").and_then(|set| SetName::BOTH.into_iter().find(|own| own.to_string() == set));
        return match (set, word("version=")) {
            (Some(set), Some(version)) if marked.ends_with("DONE 0") => {
                Ok(Up { boots, set, version: version.to_owned(), files, machine_id, tree })
            }
            _ => Err(Failure { kind: Kind::Broken, what: format!("`{line}`, then `{marked}`") }),
        };
    }
    Err(Failure { kind: Kind::Bricked, what: format!("no system came up in {BOOTS} boots") })
}
