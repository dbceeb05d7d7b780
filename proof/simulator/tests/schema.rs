//! `docs/schema/` has every field that `drydock status --json` and `drydock log --json` print, and no other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_engine::context::RunningSet;
use drydock_engine::live::report::status;
use drydock_engine::state::{Seen, Trust};
use drydock_format::sha256;
use drydock_house::schema::Schemas;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::SimDevice;
use drydock_state::{CopyName, Entry, Intent, Job, MediumSource, Outcome, SetName, Source, UnixTime};
use serde_json::{Value, json};

/// Everything that can have happened. A new outcome does not compile until it is added to both.
fn outcomes() -> Vec<Outcome> {
    use Outcome::*;
    let all = vec![
        Flashed,
        Staged,
        Cancelled,
        Installed,
        Failed,
        MarkedGood,
        RolledBack,
        FellBack,
        Rearmed,
        NotStarted,
        StateRebuilt,
        Reset,
        Wiped,
        Crashed,
        MarkedBad,
        RecoveryUpdated,
        StateMended,
    ];
    for outcome in &all {
        match outcome {
            Flashed | Staged | Cancelled | Installed | Failed | MarkedGood | RolledBack | FellBack
            | Rearmed | NotStarted | StateRebuilt | Reset | Wiped | Crashed | MarkedBad | RecoveryUpdated
            | StateMended => {}
            Unknown(word) => panic!("{word}"),
        }
    }
    all
}

/// Every job, from every source.
fn jobs() -> Vec<Job> {
    let manifest = sha256(b"a manifest");
    let sources = [
        Source::Data { path: "update.drydock".into() },
        Source::Medium(MediumSource { path: "update.drydock".into() }),
        Source::Partition { label: "factory".into() },
        Source::Network { url: "https://updates.example/2.drydock".into() },
    ];
    let updates = sources.clone().map(|source| Job::Update { source, manifest });
    let [source, ..] = sources;
    let recovery = Job::UpdateRecovery { source, manifest, written: Some(CopyName::B) };
    let jobs = [recovery, Job::FactoryReset, Job::Wipe { label: "logs".into() }];
    jobs.into_iter().chain(updates).collect()
}

fn running() -> Option<RunningSet> {
    Some(RunningSet {
        set: SetName::A,
        root_hash: sha256(b"a root").into(),
        version: "1".into(),
        degraded: false,
    })
}

/// What `drydock status --json` prints on a device with this disk, after `change`.
fn printed(contents: &Contents, running: Option<RunningSet>, change: impl FnOnce(&mut Seen)) -> Value {
    let device = SimDevice::new(&WORKSHOP, contents.clone());
    device.live(|machine| {
        let mut seen = Seen::look(machine).unwrap();
        change(&mut seen);
        serde_json::to_value(status(machine, &seen, running)).unwrap()
    })
}

fn schemas() -> Schemas {
    Schemas::read(&drydock_house::repository().join("docs/schema")).unwrap()
}

#[test]
fn the_schemas_have_every_field_of_status_and_log_and_no_other() {
    let mut schemas = schemas();
    let mut hold =
        |schema, output: Value| schemas.check(schema, &output).unwrap_or_else(|why| panic!("{why}"));
    let moments = [
        &MOMENTS.first,
        &MOMENTS.staged,
        &MOMENTS.installed,
        &MOMENTS.second,
        &MOMENTS.starved,
        &MOMENTS.lost,
    ];
    for contents in
        moments.into_iter().chain([&MOMENTS.brought, &MOMENTS.written, &MOMENTS.reset, &MOMENTS.wipe])
    {
        hold("status.json", printed(contents, running(), |_| {}));
    }
    hold(
        "status.json",
        printed(&MOMENTS.first, None, |seen| seen.trust = Trust::ReadOnly("a later one".into())),
    );
    for job in jobs() {
        let proven = Some("inode 12".into());
        let intent = Intent { missed: 1, proven, ..Intent::new(1, job, UnixTime(1)) };
        hold("status.json", printed(&MOMENTS.first, running(), |seen| seen.record.intent = Some(intent)));
    }
    let mut bad = printed(&MOMENTS.second, running(), |_| {});
    bad["sets"]["a"]["status"] = json!(drydock_state::SetStatus::Bad);
    hold("status.json", bad);
    let entry = |outcome| Entry {
        intent: 1,
        time: UnixTime(1),
        outcome,
        set: Some(SetName::A),
        version: "1".into(),
        reason: "why".into(),
        later: drydock_state::Later::new(),
    };
    let history: Vec<_> = outcomes().into_iter().map(entry).collect();
    hold("log.json", serde_json::to_value(history).unwrap());
    for schema in ["status.json", "log.json"] {
        assert_eq!(schemas.unseen(schema), Vec::<String>::new(), "{schema} has what no output shows");
    }
}

#[test]
fn a_field_without_its_documentation_is_noticed() {
    let mut output = printed(&MOMENTS.first, running(), |_| {});
    output["sets"]["a"]["colour"] = json!("red");
    let said = schemas().check("status.json", &output).unwrap_err();
    assert!(said.contains("the field `colour` of \".sets.a\""), "{said}");
}
