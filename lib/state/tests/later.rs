//! Records of later drydocks: what this one does not know is kept, left alone, and keeps nothing from booting.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_block::{MemoryDevice, SectorSize};
use drydock_state::transition::{self, Counters, Running};
use drydock_state::{
    CopyName, MaybeDigest, Mode, Observed, Opened, Record, SetName, SetStatus, Source, Starts, Store,
    UnixTime,
};
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime(0);
const A: SetName = SetName::A;

/// A record that a later drydock has written, with news in every place that can have some.
fn later() -> Value {
    json!({
        "generation": 7,
        "last_intent_id": 5,
        "intent": {
            "id": 5, "time": 9, "starts": 2, "hurry": true,
            "job": { "kind": "apply-delta", "base": "0a", "parts": [1, 2] },
        },
        "sets": {
            "a": { "status": "good", "version": "1", "security_version": 1, "manifest": "m1", "slots": 4 },
            "b": { "status": "held-back", "version": "2", "security_version": 2, "manifest": "m2" },
            "c": { "status": "good" },
        },
        "last_good": "a", "trial": null,
        "floors": { "install": 1, "boot": 1, "kernel": 3 },
        "recovery": {
            "first": "b",
            "from": "factory",
            "offer": { "set": "b", "source": { "on": "peers", "url": "https://updates.example/2" }, "size": 9 },
        },
        "fleet": { "action": 11, "sent": ["downloaded"] },
        "history": [
            { "intent": 0, "time": 1, "outcome": "flashed", "set": "a", "version": "1" },
            { "intent": 4, "time": 2, "outcome": "held-back", "set": "b", "cause": { "battery": 12 } },
        ],
    })
}

fn parsed(value: &Value) -> Record {
    serde_json::from_value(value.clone()).expect("a later record is understood as far as it goes")
}

#[test]
fn what_a_later_drydock_has_written_survives_a_rewrite() {
    assert_eq!(serde_json::to_value(parsed(&later())).unwrap(), later());
    let mut with_source = later();
    with_source["intent"]["job"] = json!({
        "kind": "update", "manifest": "m3", "source": { "on": "peers", "url": "https://updates.example/3" },
    });
    assert_eq!(serde_json::to_value(parsed(&with_source)).unwrap(), with_source);
    // And so on the disk.
    let device = MemoryDevice::new(8 << 20, SectorSize::S512);
    let (mut store, _) = Store::open(&device, None).unwrap();
    store.write(&parsed(&later())).unwrap();
    let (_, opened) = Store::open(&device, None).unwrap();
    match opened {
        Opened::Found { record, .. } => assert_eq!(serde_json::to_value(record).unwrap(), later()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn words_between_a_device_and_its_fleet_that_only_a_later_drydock_knows_cost_nothing_else() {
    for fleet in [
        json!({ "server": "s", "order": { "action": "seven" } }),
        json!({ "server": "s", "order": { "action": 7, "end": { "how": "put-off", "reason": "x" } }, "more": 1 }),
        json!({ "question": { "action": 7, "version": "2", "answer": "perhaps" } }),
        json!({ "server": "s", "order": { "action": 7, "version": "2", "intent": 0, "forced": false,
            "windowed": false, "consent": false, "boot": "", "resumed": 0, "kept": false, "gone": false, "hurry": 1 } }),
    ] {
        let mut value = later();
        value["fleet"] = fleet;
        assert_eq!(serde_json::to_value(parsed(&value)).unwrap(), value);
    }
}

#[test]
fn a_build_reads_what_another_one_has_written_of_field_service() {
    for service in [
        json!({ "uses": { "0a": 3 } }),
        json!({ "uses": { "0a": { "left": 2 } }, "more": 1 }),
        json!({ "uses": [ "0a" ] }),
        json!({ "more": 1 }),
    ] {
        let mut value = later();
        value["service"] = service;
        let entry = json!({ "intent": 0, "time": 3, "outcome": "admitted", "reason": "by anna" });
        value["history"].as_array_mut().unwrap().push(entry);
        let record = parsed(&value);
        assert_eq!(record.history.last().unwrap().outcome.to_string(), "admitted");
        assert_eq!(serde_json::to_value(record).unwrap(), value);
    }
}

#[cfg(feature = "service")]
#[test]
fn a_count_that_only_a_later_drydock_understands_lets_nobody_in() {
    let used = |service: Value| {
        let mut value = later();
        value["service"] = service;
        parsed(&value).service.used("0a")
    };
    assert_eq!((used(json!({})), used(json!({ "uses": { "0b": 1, "0a": 3 } }))), (0, 3));
    for later in [
        json!({ "uses": { "0a": { "left": 2 } } }),
        json!({ "uses": { "0a": -1 } }),
        json!({ "uses": { "0a": 4_294_967_296_u64 } }),
        json!({ "uses": [ "0a" ] }),
    ] {
        assert_eq!(used(later.clone()), u32::MAX, "{later}");
    }
}

#[cfg(feature = "service")]
#[test]
fn counts_are_kept_for_every_configured_key_and_for_a_bounded_number_of_others() {
    let mut record = parsed(&later());
    for number in 0..1000 {
        record.service.count(&format!("{number:04}"), |key| key < "0010");
        record.service.count("0003", |key| key < "0010");
    }
    assert_eq!((record.service.used("0003"), record.service.used("0007")), (1001, 1));
    let kept = serde_json::to_value(&record).unwrap()["service"]["uses"].as_object().unwrap().len();
    assert!(kept <= drydock_state::service::USES_LIMIT, "{kept}");
}

#[test]
fn a_job_that_only_a_later_drydock_knows_is_left_alone_and_the_sets_boot() {
    for job in [
        json!({ "kind": "apply-delta" }),
        json!({ "kind": "update", "manifest": "m",
        "source": { "on": "peers" } }),
        json!("a word"),
        json!({ "kind": "update" }),
        json!({ "kind": "update", "manifest": "sha512:0a", "source": { "on": "data", "path": "3" } }),
        json!({ "kind": "factory-reset", "only": ["lib"] }),
        json!({ "kind": "update", "manifest": "m", "source": { "on": "data", "path": "3" }, "only": ["root"] }),
        json!({ "kind": "update", "manifest": "m", "source": { "on": "data", "path": "3", "part": 2 } }),
    ] {
        let mut value = later();
        value["intent"]["job"] = job;
        let mut record = parsed(&value);
        assert!(record.job().is_none() && record.foreign_job().is_some());
        let wanted = record.wanted(3);
        assert_eq!(
            (wanted.mode, wanted.first, wanted.attempts.a, wanted.attempts.b),
            (Mode::Normal, A, 3, 3)
        );
        // The later drydock had told the bootloader of it, and its recovery never came up: that is not our business.
        let fresh = wanted.fresh();
        let told = Observed { mode: Mode::Recovery, left: Starts { recovery: 0, ..fresh.left }, ..fresh };
        for running in [Running::Set(A), Running::Recovery(Some(CopyName::A)), Running::Recovery(None)] {
            assert!(!transition::settle(&mut record, Counters::Current(told), running, NOW), "{running:?}");
        }
        let wipe = drydock_state::Job::Wipe { label: "logs".into() };
        let refused = transition::stage(&mut record, wipe, "", NOW).unwrap_err().to_string();
        assert!(refused.contains("later drydock") && refused.contains("drydock cancel"), "{refused}");
        assert_eq!(serde_json::to_value(&record).unwrap(), value);
        // A person may take it back all the same.
        assert_eq!(transition::cancel(&mut record, NOW).unwrap(), 5);
    }
}

#[test]
fn a_digest_that_only_a_later_drydock_knows_stays_as_it_is_and_is_like_no_other() {
    let mut value = later();
    value["intent"] = Value::Null;
    value["restore"] = json!("sha512:0a");
    value["sets"]["a"]["manifest"] = json!("sha512:0a");
    let mut record = parsed(&value);
    assert_eq!(record.sets.a.manifest, MaybeDigest::Unknown("sha512:0a".into()));
    let source = Source::Partition { label: "factory".into() };
    assert!(!transition::restore_other(&mut record, A, source, NOW).unwrap());
    assert_eq!(transition::offered(&record, A), None);
    assert_eq!(serde_json::to_value(&record).unwrap(), value);
}

#[test]
fn a_record_as_devices_have_it_is_written_again_byte_for_byte() {
    let (good, next) = ("0a".repeat(32), "0b".repeat(32));
    let text = format!(
        concat!(
            r#"{{"generation":9,"intent":{{"id":3,"job":{{"kind":"update-recovery","#,
            r#""source":{{"on":"data","path":"2"}},"manifest":"{next}","written":"b"}},"starts":1,"time":7}},"#,
            r#""last_intent_id":3,"sets":{{"a":{{"status":"good","version":"1","security_version":1,"#,
            r#""manifest":"{good}"}},"b":{{"status":"empty","version":"","security_version":0,"#,
            r#""manifest":""}}}},"last_good":"a","trial":null,"restore":"{good}","#,
            r#""floors":{{"install":1,"boot":1}},"recovery":{{"first":"a"}},"#,
            r#""history":[{{"intent":0,"time":5,"outcome":"flashed","set":"a","version":"1"}}]}}"#,
        ),
        good = good,
        next = next,
    );
    let record: Record = serde_json::from_str(&text).unwrap();
    assert_eq!(record.copy_on_trial(), Some(CopyName::B));
    assert_eq!((record.sets.b.manifest.known(), record.restore.to_string()), (None, good));
    assert_eq!(serde_json::to_string(&record).unwrap(), text);
}

#[test]
fn a_set_in_a_state_that_only_a_later_drydock_knows_may_be_tried_but_takes_over_from_none() {
    let mut record = parsed(&later());
    assert_eq!(record.sets.b.status, SetStatus::Unknown("held-back".into()));
    assert!(record.sets.b.bootable());
    let refused = transition::mark_bad(&mut record, A, NOW).unwrap_err().to_string();
    assert!(refused.contains("held-back"), "{refused}");
}
