//! `docs/schema/` has every field that `drydock status --json` and `drydock log --json` print, and no other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_engine::context::RunningSet;
use drydock_engine::live::fleet::Word;
use drydock_engine::live::report::status;
use drydock_engine::state::{Seen, Trust};
use drydock_format::sha256;
use drydock_house::schema::Schemas;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::SimDevice;
use drydock_simulator::setup::{SETUPS, WITH_FILES};
use drydock_simulator::workshop::Workshop;
use drydock_state::fleet::{Answer, Closed, Ended, Fleet, How, Order, Question};
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
        Admitted,
        TurnedAway,
    ];
    for outcome in &all {
        match outcome {
            Flashed | Staged | Cancelled | Installed | Failed | MarkedGood | RolledBack | FellBack
            | Rearmed | NotStarted | StateRebuilt | Reset | Wiped | Crashed | MarkedBad | RecoveryUpdated
            | StateMended | Admitted | TurnedAway => {}
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
        Source::Memory,
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

/// What may be between a device and its fleet: every way for an order to end, and every answer.
fn fleets() -> Vec<Fleet> {
    use How::*;
    let ends = [Good, Fetched, RolledBack, Failed, Refused, Cancelled];
    for how in ends {
        // A new one does not compile until it is added to both.
        match how {
            Good | Fetched | RolledBack | Failed | Refused | Cancelled => {}
        }
    }
    let answers = [None, Some(Answer::Confirmed), Some(Answer::Denied), Some(Answer::DeniedAndTold)];
    let version = || "2".to_owned();
    let fleet = |(end, answer): (How, Option<Answer>)| {
        let end = Ended { how: end, reason: "why".into() };
        Fleet {
            order: Some(Order {
                action: 7,
                version: version(),
                intent: 3,
                end: Some(end.clone()),
                ..Order::default()
            }),
            closed: Some(Closed { action: 6, version: version(), end }),
            question: Some(Question { action: 7, version: version(), answer }),
            ..Fleet::default()
        }
    };
    let running = Fleet { order: Some(Order { action: 7, ..Order::default() }), ..Fleet::default() };
    ends.into_iter().zip(answers.into_iter().cycle()).map(fleet).chain([running, Fleet::default()]).collect()
}

/// What `drydock status --json` prints on a device that follows a server, where an agent has left word.
fn with_fleet(fleet: Fleet) -> Value {
    let mut workshop = Workshop::new(SETUPS[0]);
    workshop.config.fleet =
        Some(drydock_config::Fleet { server: Some("https://fleet.example".into()), ..Default::default() });
    let device = SimDevice::new(&workshop, MOMENTS.first.clone());
    device.live(|machine| {
        let mut seen = Seen::look(machine).unwrap();
        seen.record.fleet = fleet;
        let mut status = status(machine, &seen, running());
        status.fleet.as_mut().unwrap().word = Word {
            device: Some("pump-7".into()),
            contact: Some(UnixTime(1)),
            trouble: Some("the server is away".into()),
            doing: Some("tries again later".into()),
            next: Some(UnixTime(300)),
        };
        let shown = status.to_string();
        assert!(shown.contains("fleet      https://fleet.example, as pump-7"), "{shown}");
        serde_json::to_value(status).unwrap()
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
    let of_files = Workshop::new(WITH_FILES);
    let device = SimDevice::new(&of_files, of_files.flashed());
    let seen = |machine: &_| status(machine, &Seen::look(machine).unwrap(), running());
    hold("status.json", serde_json::to_value(device.live(seen)).unwrap());
    let mut bad = printed(&MOMENTS.second, running(), |_| {});
    bad["sets"]["a"]["status"] = json!(drydock_state::SetStatus::Bad);
    hold("status.json", bad);
    for fleet in fleets() {
        hold("status.json", with_fleet(fleet));
    }
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
