//! Releases for many devices, group after group.

use crate::common::{Desk, Device, unique};
use serde_json::{Value, json};

fn shown(desk: &Desk, name: &str) -> Value {
    desk.done(&["rollouts", name])["rollouts"][0].clone()
}

/// A site with devices, and a query that finds them.
fn site(count: usize) -> (Vec<Device>, String) {
    let site = unique("site");
    let devices = (0..count).map(|_| Device::new(&[("site", &site)])).collect();
    (devices, format!("attribute.site=={site}"))
}

#[test]
fn a_rollout_begins_pauses_and_goes_on() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let (_devices, query) = site(4);
    let name = unique("rollout");
    let words = ["rollout", &name, "1.0.0", "--name", &desk.compatible, "--filter", &query, "--groups", "2"];
    let said = desk.done(&[&words[..], &["--success", "100", "--error", "5", "--soft"]].concat());
    let made = &said["rollouts"][0];
    assert_eq!((&made["total"], &made["set"]), (&json!(4), &json!(format!("{}:1.0.0", desk.compatible))));
    desk.fails(&words, 6, "entityAlreadyExists");
    desk.fails(&["pause", "no-such-rollout"], 1, "none of that name");

    desk.done(&["start", &name]);
    // To pause it waits until the server has really begun, and a second time is no error.
    for _ in 0..2 {
        assert_eq!(desk.done(&["pause", &name])["rollouts"][0]["status"], "paused");
    }
    for _ in 0..2 {
        assert_eq!(desk.done(&["resume", &name])["rollouts"][0]["status"], "running");
    }
    let shown = shown(&desk, &name);
    let groups = shown["groups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|group| group["total"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(groups[0]["devices"]["running"], 2, "{shown}");
    let text = String::from_utf8(desk.tool(&["rollouts"]).stdout).unwrap();
    assert!(text.starts_with("ROLLOUT") && text.contains(&name), "{text}");
}

#[test]
fn failures_pause_a_rollout_and_its_devices_are_told_why() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let (devices, query) = site(4);
    let name = unique("rollout");
    let words = [
        "rollout",
        &name,
        "1.0.0",
        "--name",
        &desk.compatible,
        "--filter",
        &query,
        "--groups",
        "2",
        "--start",
    ];
    desk.done(&words);
    desk.done(&["pause", &name]);
    desk.done(&["resume", &name]);
    let rows = desk.done(&["status", "--filter", &query])["devices"].clone();
    let open: Vec<&Value> =
        rows.as_array().unwrap().iter().filter(|row| row["action"]["status"] == "running").collect();
    assert_eq!(open.len(), 2, "{rows}");
    for row in open {
        assert_eq!(row["action"]["rollout"], name.as_str());
        let device = devices.iter().find(|device| row["device"] == device.0.as_str()).unwrap();
        device.report(row["action"]["id"].as_u64().unwrap(), "closed", "failure", "rolled back");
    }
    let mut status = Value::Null;
    for _ in 0..200 {
        status = shown(&desk, &name)["status"].clone();
        if status == "paused" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(status, "paused");
    let rows = desk.done(&["status", "--filter", &query])["devices"].clone();
    let failed = rows.as_array().unwrap().iter().filter(|row| row["action"]["status"] == "error");
    assert_eq!(failed.map(|row| row["message"].as_str().unwrap()).collect::<Vec<_>>(), ["rolled back"; 2]);
}

#[test]
fn a_rollout_that_can_not_be_is_refused_with_the_servers_words() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let with = |query: &str| {
        let name = unique("rollout");
        let words =
            ["rollout", &name, "1.0.0", "--name", &desk.compatible, "--filter", query, "--groups", "2"];
        desk.fails(&words, 5, "the server answered 400");
    };
    with("controllerId==no-such-device");
    with("nonsense");
    for bad in [["--success", "120"], ["--groups", "0"], ["--error", "-1"]] {
        let words = [&["rollout", "x", "1.0.0", "--filter", "id==x", "--groups", "2"], &bad[..]].concat();
        assert_eq!(desk.tool(&words).status.code(), Some(2), "{bad:?}");
    }
}
