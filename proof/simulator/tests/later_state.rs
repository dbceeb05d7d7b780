//! A state that a later drydock has written: whatever is started, a set comes up, the later one's job waits for it, and
//! nothing that this one does not know is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, untouched};
use drydock_engine::live::report::status;
use drydock_engine::state::Seen;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_state::grub::Grub;
use drydock_state::{Bootloader, Generation, Mode, Record, SetName, Starts, Wanted};
use serde_json::{Value, json};

/// A device on which a later drydock has staged a job that this one does not know, and has told the bootloader of it.
fn later(contents: &Contents, job: Value, told: Told) -> SimDevice<'static> {
    let device = SimDevice::new(&WORKSHOP, contents.clone());
    device.change(|record| {
        let mut value = serde_json::to_value(&*record).unwrap();
        let id = record.last_intent_id + 1;
        value["last_intent_id"] = id.into();
        value["intent"] = json!({ "id": id, "time": 7, "job": job, "hurry": true });
        value["fleet"] = json!({ "action": 11 });
        value["sets"]["a"]["slots"] = 4.into();
        let entry = json!({ "intent": id, "time": 7, "outcome": "accepted", "by": "the fleet" });
        value["history"].as_array_mut().unwrap().push(entry);
        *record = serde_json::from_value::<Record>(value).unwrap();
    });
    let store = Grub::open(WORKSHOP.partition(&device.disk, "bootenv").unwrap()).unwrap();
    let known = Wanted { mode: Mode::Recovery, ..store.observe().unwrap().into() };
    store.want(&told(known)).unwrap();
    device
}

/// What the later drydock has told the bootloader, from what this one would.
type Told = fn(Wanted) -> Wanted;

fn unknown(record: &Record) -> [Value; 4] {
    let value = serde_json::to_value(record).unwrap();
    let mut entries = value["history"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["outcome"] == "accepted").cloned().unwrap();
    [value["intent"].clone(), value["fleet"].clone(), value["sets"]["a"]["slots"].clone(), entry]
}

#[test]
fn a_later_drydocks_state_is_lived_with_at_every_start() {
    let jobs = [
        json!({ "kind": "apply-delta", "base": "0a" }),
        json!({ "kind": "update", "manifest": "m", "source": { "on": "peers", "url": "https://u.example/3" } }),
    ];
    let told: [(&str, Told); 5] = [
        ("recovery is asked for", |told| told),
        ("recovery never came up", |told| Wanted {
            attempts: Starts { recovery: 0, ..told.attempts },
            ..told
        }),
        ("the sets come first", |told| Wanted { mode: Mode::Normal, ..told }),
        ("no set has starts left", |told| Wanted { attempts: Starts { a: 0, b: 0, recovery: 0 }, ..told }),
        ("the environment is of before", |told| Wanted {
            generation: Generation(told.generation.0 - 1),
            ..told
        }),
    ];
    for (name, contents, runs) in [
        ("on trial", &MOMENTS.installed, SetName::B),
        ("good", &MOMENTS.second, SetName::B),
        ("first", &MOMENTS.first, SetName::A),
    ] {
        for job in &jobs {
            for (how, told) in told {
                let device = later(contents, job.clone(), told);
                let before = device.disk.view();
                let kept = unknown(&device.record().unwrap());
                let end = device.run();
                // A trial whose set used its starts up is over, as ever.
                let starved = how == "no set has starts left" && name == "on trial";
                let expected = if starved { SetName::A } else { runs };
                assert_eq!(end, End::Up(expected), "{name}, {how}");
                for _ in 0..12 {
                    assert_eq!(device.run(), End::Up(expected), "{name}, {how}");
                }
                let record = device.record().unwrap();
                assert_eq!(unknown(&record), kept, "{name}, {how}");
                assert!(SetName::BOTH.iter().all(|set| untouched(&device, &before, *set)), "{name}, {how}");
                let machine = device.machine();
                let shown = status(&machine, &Seen::look(&machine).unwrap(), None).to_string();
                assert!(shown.contains("only a later drydock knows"), "{shown}");
                // Once somebody takes the job back, all is as it was.
                device.cancel();
                device.stage("3");
                assert!(matches!(device.boot(), Boot::Recovered(_)), "{name}, {how}");
            }
        }
    }
}
