//! Releases for devices that are named, and orders taken back.

use crate::common::{Desk, Device, operator};
use serde_json::{Value, json};

/// What the server knows of an action.
fn action(device: &Device, id: &Value) -> Value {
    operator().action(&device.0, id.as_u64().unwrap())
}

#[test]
fn an_order_is_as_it_was_given() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let assign = |more: &[&str]| {
        let device = Device::new(&[]);
        let said = desk.done(&[&["assign", "1.0.0", &device.0, "--name", &desk.compatible], more].concat());
        assert_eq!(said["actions"][0]["device"], device.0.as_str(), "{said}");
        action(&device, &said["actions"][0]["action"])
    };
    assert_eq!(assign(&[])["forceType"], "forced");
    assert_eq!(assign(&["--forced"])["forceType"], "forced");
    assert_eq!(assign(&["--soft"])["forceType"], "soft");
    assert_eq!(assign(&["--download-only"])["forceType"], "downloadonly");
    let later = assign(&["--time-forced", "2037-01-31T03:00:00+01:00"]);
    assert_eq!(
        (&later["forceType"], &later["forceTime"]),
        (&json!("timeforced"), &json!(2_116_980_000_000_u64))
    );
    let window = assign(&["--window", "0 0 2,3 ? * SUN,02:00:00,+01:00"])["maintenanceWindow"].take();
    assert_eq!((&window["schedule"], &window["timezone"]), (&json!("0 0 2,3 ? * SUN"), &json!("+01:00")));
    let device = Device::new(&[]);
    desk.fails(
        &["assign", "1.0.0", &device.0, "--name", &desk.compatible, "--window", "0 0 2 ? * SUN,x,+01:00"],
        5,
        "400",
    );
    assert_eq!(desk.tool(&["assign", "1.0.0", &device.0, "--soft", "--forced"]).status.code(), Some(2));
}

#[test]
fn a_device_that_the_server_does_not_know_is_no_device_among_others() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let known = Device::new(&[]);
    let words =
        ["assign", "1.0.0", known.0.as_str(), "no-such-device", "nor-such", "--name", &desk.compatible];
    desk.fails(&words, 1, "does not know no-such-device, nor-such; nothing was assigned");
    assert!(operator().actions(&known.0).is_empty());
    let said = desk.done(&["assign", "1.0.0", &known.0, "--name", &desk.compatible]);
    assert_eq!((said["actions"].as_array().unwrap().len(), &said["already"]), (1, &json!([])));
    let again = desk.done(&["assign", "1.0.0", &known.0, &known.0, "--name", &desk.compatible]);
    assert_eq!((&again["actions"], &again["already"]), (&json!([]), &json!([known.0])));
}

#[test]
fn a_version_that_several_releases_have_needs_a_name() {
    let (one, two) = (Desk::new(), Desk::new());
    let version = format!("5.{}", std::process::id());
    one.release(&version);
    two.release(&version);
    let device = Device::new(&[]);
    one.fails(&["assign", &version, &device.0], 1, "--name");
    one.fails(&["assign", "5.none", &device.0], 1, "no such release");
    let said = one.done(&["assign", &version, &device.0, "--name", &two.compatible]);
    assert_eq!(said["name"], two.compatible.as_str());
}

#[test]
fn an_order_is_taken_back_with_the_device_or_without_it() {
    let desk = Desk::new();
    desk.release("1.0.0");
    let device = Device::new(&[]);
    let told = |desk: &Desk| {
        let said = desk.done(&["assign", "1.0.0", &device.0, "--name", &desk.compatible]);
        said["actions"][0]["action"].clone()
    };
    let first = told(&desk);
    assert_eq!(desk.done(&["cancel", &device.0])["canceled"], json!([first]));
    assert_eq!(action(&device, &first)["status"], "canceling");
    // It is asked once; now only the device can answer.
    assert_eq!(desk.done(&["cancel", &device.0])["canceled"], json!([]));
    assert_eq!(desk.done(&["cancel", &device.0, "--force"])["canceled"], json!([first]));
    assert_eq!(
        (&action(&device, &first)["status"], &action(&device, &first)["active"]),
        (&json!("canceled"), &json!(false))
    );
    let second = told(&desk);
    assert_eq!(desk.done(&["cancel", &device.0, "--force"])["canceled"], json!([second]));
    assert_eq!(action(&device, &second)["status"], "canceled");
    assert_eq!(desk.done(&["cancel", &device.0, "--force"])["canceled"], json!([]));
    desk.fails(&["cancel", "no-such-device"], 5, "404");
}
