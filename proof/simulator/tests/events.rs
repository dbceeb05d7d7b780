//! `docs/schema/events.json` has every field of the event stream, and `docs/reference.md` says which come with which event.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_engine::context::{BootContext, Purpose};
use drydock_engine::event::{Attempt, Event, PlannedSlot, Step, Unit};
use drydock_engine::recover::Reason;
use drydock_engine::{journal, story};
use drydock_house::repository;
use drydock_house::schema::Schemas;
use drydock_simulator::device::SimDevice;
use drydock_state::log;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every phase. A new one does not compile until it is added to both.
fn steps() -> Vec<Step> {
    use Step::*;
    let all = vec![Discover, State, Unlock, Source, Fetch, Verify, Write, Prove, Commit, Reset, HandOver];
    for step in &all {
        match step {
            Discover | State | Unlock | Source | Fetch | Verify | Write | Prove | Commit | Reset
            | HandOver => {}
        }
    }
    all
}

/// One of each event. A new one does not compile until it is added to both.
fn events() -> Vec<Event> {
    let (step, words) = (Step::Write, || "words".to_owned());
    let slot = PlannedSlot { label: "root-b".into(), size: 4096, root_hash: "0a".repeat(32), copied: true };
    let all = vec![
        Event::Started { step, what: words() },
        Event::Step { step, what: words(), number: 1, of: 7, why: "why", needs: "so much", durable: "all" },
        Event::Skipped { step, what: words(), why: words() },
        Event::Progress { step, what: words(), done: 0, total: 1, unit: Unit::Bytes },
        Event::Finished { step, what: words() },
        Event::Failed { step, reason: words() },
        Event::Retry { reason: words() },
        Event::Warning { text: words() },
        Event::Verified { version: words(), security_version: 1, slots: vec![slot], recovery: true },
        Event::Fetched { version: words(), path: words(), received: 2, there: 3, length: 4 },
        Event::Staged { id: 1, version: words() },
        Event::Note { text: words() },
        Event::Said { hook: words(), text: words() },
    ];
    for event in &all {
        match event {
            Event::Started { .. } | Event::Step { .. } | Event::Skipped { .. } | Event::Progress { .. } => {}
            Event::Finished { .. } | Event::Failed { .. } | Event::Retry { .. } | Event::Warning { .. } => {}
            Event::Said { .. } => {}
            Event::Verified { .. } | Event::Fetched { .. } | Event::Staged { .. } | Event::Note { .. } => {}
        }
    }
    all
}

fn line(event: &Event) -> Value {
    let attempt = Some(Attempt { intent: 1, attempt: 1 });
    serde_json::from_str(&journal::line(1, attempt, event)).unwrap()
}

#[test]
fn the_schema_has_every_field_of_the_stream_and_no_other() {
    let mut schemas = Schemas::read(&repository().join("docs/schema")).unwrap();
    let mut hold =
        |line: Value| schemas.check("events.json", &line).unwrap_or_else(|why| panic!("{why}: {line}"));
    events().iter().for_each(|event| hold(line(event)));
    steps().into_iter().for_each(|step| hold(line(&Event::Started { step, what: "x".into() })));
    // What a recovery tells, and what it leaves.
    let recovery = BootContext { purpose: Purpose::Recovery(Reason::Asked), copy: None };
    for contents in [&MOMENTS.staged, &MOMENTS.staged_again, &MOMENTS.reset, &MOMENTS.wipe] {
        let machine = SimDevice::new(&WORKSHOP, contents.clone()).machine();
        story::boot(&machine, recovery).unwrap();
        machine.events().iter().for_each(|event| hold(line(event)));
        let left = log::read(&WORKSHOP.partition(&machine.disk, "state").unwrap()).unwrap().unwrap();
        let left = String::from_utf8(left).unwrap();
        left.lines().for_each(|line| hold(serde_json::from_str(line).unwrap()));
    }
    assert_eq!(schemas.unseen("events.json"), Vec::<String>::new());
}

#[test]
fn the_reference_says_what_comes_with_each_event() {
    let document = std::fs::read_to_string(repository().join("docs/reference.md")).unwrap();
    let section = document.split("### The lines of events").nth(1).unwrap().split("\n## ").next().unwrap();
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').collect();
        line.starts_with("| `").then(|| (words(cells[1]).pop_first().unwrap(), words(cells[3])))
    };
    let documented: BTreeMap<_, _> = section.lines().filter_map(row).collect();
    let printed: BTreeMap<_, _> = events()
        .iter()
        .map(|event| {
            let line = line(event);
            let common = ["ms", "event", "intent", "attempt"];
            let fields = line.as_object().unwrap().keys().filter(|field| !common.contains(&field.as_str()));
            (line["event"].as_str().unwrap().to_owned(), fields.cloned().collect())
        })
        .collect();
    assert_eq!(documented, printed);
}
