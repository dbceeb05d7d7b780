//! What became of each device.

use crate::common::{Desk, Device, operator, unique};
use serde_json::{Value, json};

/// The devices that are meant, by an attribute that only they have.
fn status(desk: &Desk, site: &str, more: &[&str]) -> (Vec<Value>, u64) {
    let filter = format!("attribute.site=={site}");
    let said = desk.done(&[&["status", "--filter", &filter], more].concat());
    (said["devices"].as_array().unwrap().clone(), said["requests"].as_u64().unwrap())
}

#[test]
fn each_device_is_told_with_its_order_its_message_and_what_runs() {
    let desk = Desk::new();
    desk.release("1.0.0");
    desk.release("2.0.0");
    let site = unique("site");
    let on = |version| Device::new(&[("site", &site), ("version", version), ("set", "a")]);
    let (good, bad, idle) = (on("1.0.0"), on("1.0.0"), on("0.9"));
    let odd = Device::new(&[("site", &site)]);
    let assign = |version: &str, device: &Device| {
        let said = desk.done(&["assign", version, &device.0, "--name", &desk.compatible]);
        said["actions"][0]["action"].as_u64().unwrap()
    };
    let (first, second) = (assign("1.0.0", &good), assign("1.0.0", &bad));
    good.report(first, "closed", "success", "good");
    bad.report(second, "proceeding", "none", "staged");
    bad.report(second, "closed", "failure", "rolled back: health check");
    let third = assign("2.0.0", &bad);
    bad.report(third, "proceeding", "none", "fetching\u{1b}[2J");

    let (rows, _) = status(&desk, &site, &["--messages", "all"]);
    let of = |device: &Device| rows.iter().find(|row| row["device"] == device.0.as_str()).unwrap();
    assert_eq!(rows.len(), 4);
    assert_eq!(
        (&of(&good)["action"]["id"], &of(&good)["action"]["status"]),
        (&json!(first), &json!("finished"))
    );
    assert_eq!(of(&good)["action"]["set"], format!("{}:1.0.0", desk.compatible));
    assert_eq!(
        (&of(&good)["message"], &of(&good)["runs"]),
        (&json!("good"), &json!({"version": "1.0.0", "set": "a"}))
    );
    assert_eq!((&of(&bad)["action"]["id"], &of(&bad)["action"]["active"]), (&json!(third), &json!(true)));
    assert!(of(&bad)["message"].as_str().unwrap().starts_with("fetching"));
    assert_eq!((&of(&idle)["action"], &of(&idle)["message"]), (&Value::Null, &Value::Null));
    assert_eq!((&of(&idle)["runs"]["version"], &of(&odd)["runs"]), (&json!("0.9"), &json!({})));
    assert!(of(&idle)["last_contact"].as_str().unwrap().ends_with('Z'));

    let (rows, _) = status(&desk, &site, &[]);
    let row = rows.iter().find(|row| row["device"] == good.0.as_str()).unwrap();
    assert_eq!(row["message"], Value::Null, "what has ended well costs no request");
    let text = desk.tool(&["status", "--filter", &format!("attribute.site=={site}")]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.starts_with("DEVICE") && text.contains("1.0.0/a") && text.contains("fetching [2J"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
}

/// hawkBit closes the order of a rollout at once where a device has the same one already.
#[test]
fn an_order_that_is_open_counts_more_than_newer_ones_that_are_not() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let site = unique("site");
    let device = Device::new(&[("site", &site)]);
    let said = desk.done(&["assign", "1.0.0", &device.0, "--name", &desk.compatible]);
    let open = &said["actions"][0]["action"];
    let (query, name) = (format!("attribute.site=={site}"), unique("rollout"));
    desk.done(&[
        "rollout",
        &name,
        "1.0.0",
        "--name",
        &desk.compatible,
        "--filter",
        &query,
        "--groups",
        "1",
        "--start",
    ]);
    let mut actions = Vec::new();
    for _ in 0..600 {
        actions = operator().actions(&device.0);
        if actions.len() > 1 && actions[1]["active"] == false {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!((actions.len(), &actions[1]["status"]), (2, &json!("finished")));
    let (rows, _) = status(&desk, &site, &[]);
    assert_eq!((&rows[0]["action"]["id"], &rows[0]["action"]["status"]), (open, &json!("running")));
    desk.done(&["cancel", &device.0, "--force"]);
    let (rows, _) = status(&desk, &site, &[]);
    assert_eq!(rows[0]["action"]["id"], actions[1]["id"]);
}

#[test]
fn a_fleet_costs_few_requests() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let site = unique("site");
    let devices: Vec<Device> = (0..40)
        .map(|number| {
            let version = ["1.0.0", "1.1.0", "1.2.0-\"odd\""][number % 3];
            Device::new(&[("site", &site), ("version", version), ("set", "a")])
        })
        .collect();
    let mut words = vec!["assign", "1.0.0", "--name", &desk.compatible];
    words.extend(devices.iter().take(20).map(|device| device.0.as_str()));
    desk.done(&words);
    let (rows, requests) = status(&desk, &site, &["--messages", "none"]);
    assert_eq!((rows.len(), rows.iter().filter(|row| row["action"]["active"] == true).count()), (40, 20));
    for (number, device) in devices.iter().enumerate() {
        let row = rows.iter().find(|row| row["device"] == device.0.as_str()).unwrap();
        assert_eq!(row["runs"]["version"], ["1.0.0", "1.1.0", "1.2.0-\"odd\""][number % 3]);
    }
    // The devices, their orders, who says nothing; two for each version, but one each for those that can't be asked for.
    assert_eq!(requests, 3 + 2 * 2 + 13);
    let (_, with_messages) = status(&desk, &site, &[]);
    assert_eq!(with_messages, requests + 20);
}

#[test]
fn a_fleet_of_several_pages_is_told_to_the_last_device() {
    let desk = Desk::new();
    let operator = operator();
    let prefix = unique("many");
    for page in 0..3 {
        let some: Vec<Value> =
            (0..400).map(|number| json!({"controllerId": format!("{prefix}-{page}-{number}")})).collect();
        assert_eq!(operator.request("POST", "/targets", Some(&json!(some))).status, 201);
    }
    let said = desk.done(&["status", "--filter", &format!("controllerId=={prefix}-*")]);
    let mut names: Vec<&str> =
        said["devices"].as_array().unwrap().iter().map(|row| row["device"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 1200);
    // Three pages, and three of those who say nothing.
    assert_eq!(said["requests"], 6);
}
