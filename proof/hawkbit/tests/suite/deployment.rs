//! Orders as devices read them.

use crate::common::{Device, Tenant, now, ordered, pass, release, release_on};
use drydock_hawkbit::Kind;
use serde_json::{Value, json};
use std::time::Duration;

/// What an order says of downloading, updating and the window.
fn handling(device: &Device, action: u64) -> (String, String, Option<String>) {
    let order = device.deployment(action).json()["deployment"].clone();
    let word = |name: &str| order[name].as_str().map(str::to_owned);
    (word("download").unwrap(), word("update").unwrap(), word("maintenanceWindow"))
}

fn words(download: &str, update: &str, window: Option<&str>) -> (String, String, Option<String>) {
    (download.into(), update.into(), window.map(str::to_owned))
}

#[test]
fn an_order_has_its_id_as_text_and_chunks_with_artifacts_hashes_and_links() {
    let device = Device::new();
    let release = release("a5.bin", b"abc");
    device.operator().module_metadata(release.module, "minBattery", "40", true);
    device.operator().module_metadata(release.module, "note", "for nobody", false);
    let action = device.order(release.set, Kind::Forced);
    let href = format!(
        "{}{}/softwaremodules/{}/artifacts/a5.bin",
        device.server.url(),
        device.home(),
        release.module
    );
    let expected = json!({"id": action.to_string(), "deployment": {"download": "forced", "update": "forced", "chunks": [{
        "part": "os", "version": release.version, "name": "bundle",
        "artifacts": [{"filename": "a5.bin", "size": 3, "hashes": {
            "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d", "md5": "900150983cd24fb0d6963f7d28e17f72",
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
            "_links": {"download-http": {"href": href}, "md5sum-http": {"href": format!("{href}.MD5SUM")}}}],
        "metadata": [{"key": "minBattery", "value": "40"}]}]}});
    assert_eq!(device.deployment(action).json(), expected);
}

#[test]
fn artifacts_may_be_empty_and_window_and_metadata_are_there_only_when_set() {
    let device = Device::new();
    let operator = device.operator();
    let version = crate::common::unique("v");
    let module = operator.module("empty", &version);
    let action = device.order(operator.distribution_set("os", &version, &[module]), Kind::Forced);
    let order = device.deployment(action).json()["deployment"].clone();
    assert_eq!(order["chunks"][0]["artifacts"], json!([]));
    assert!(
        order.get("maintenanceWindow").is_none() && order["chunks"][0].get("metadata").is_none(),
        "{order}"
    );
}

#[test]
fn a_forced_order_is_forced() {
    let (device, action) = ordered(Kind::Forced);
    assert_eq!(handling(&device, action), words("forced", "forced", None));
}

#[test]
fn a_soft_order_is_to_be_attempted_until_it_is_forced() {
    let (device, action) = ordered(Kind::Soft);
    assert_eq!(handling(&device, action), words("attempt", "attempt", None));
    device.operator().force(&device.id, action);
    assert_eq!(handling(&device, action), words("forced", "forced", None));
}

#[test]
fn an_order_that_is_forced_from_a_time_on_is_to_be_attempted_before() {
    let tenant = Tenant::with(&[("authentication.targettoken.enabled", json!(true))]);
    let device = tenant.device();
    let set = release_on(tenant.server, "a.bin", b"abc").set;
    let action = device.order(set, Kind::TimeForced(now(device.server) + 5_000));
    assert_eq!(handling(&device, action), words("attempt", "attempt", None));
    pass(device.server, Duration::from_secs(6));
    assert_eq!(handling(&device, action), words("forced", "forced", None));
}

#[test]
fn an_order_to_download_only_says_skip() {
    let (device, action) = ordered(Kind::DownloadOnly);
    assert_eq!(handling(&device, action), words("forced", "skip", None));
}

#[test]
fn an_order_with_a_window_says_skip_while_it_is_closed() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let hour = (now(device.server) / 3_600_000 + 12) % 24;
    let schedule = format!("0 0 {hour} ? * *");
    let window = (schedule.as_str(), "00:10:00", "+00:00");
    let action = device.operator().assign_in_window(&device.id, set, Kind::Forced, window);
    assert_eq!(handling(&device, action), words("forced", "skip", Some("unavailable")));
}

#[test]
fn an_order_with_a_window_is_forced_while_it_is_open() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let window = ("0 * * ? * *", "00:30:00", "+00:00");
    let action = device.operator().assign_in_window(&device.id, set, Kind::Forced, window);
    assert_eq!(handling(&device, action), words("forced", "forced", Some("available")));
}

/// 404 with an error in JSON.
fn assert_none(answer: &crate::common::Raw) {
    let said = answer.json();
    assert_eq!(answer.status, 404);
    for name in ["exceptionClass", "errorCode", "message"] {
        assert!(said[name].is_string(), "{said}");
    }
}

#[test]
fn an_unknown_order_is_404_with_an_error_in_json() {
    assert_none(&Device::new().deployment(999_999_999));
}

#[test]
fn another_devices_order_is_404_with_an_error_in_json() {
    let (_, action) = ordered(Kind::Forced);
    assert_none(&Device::new().deployment(action));
}

#[test]
fn an_order_of_a_deleted_device_is_404_with_an_error_in_json() {
    let (mut device, action) = ordered(Kind::Forced);
    device.operator().delete_target(&device.id);
    device.authorization = format!("GatewayToken {}", device.server.gateway_key());
    assert_none(&device.deployment(action));
}

#[test]
fn an_order_that_is_to_be_canceled_or_was_is_404_with_nothing_in_it() {
    let (device, action) = ordered(Kind::Forced);
    device.operator().cancel(&device.id, action);
    for _ in 0..2 {
        let answer = device.deployment(action);
        assert_eq!((answer.status, answer.body.len()), (404, 0));
        device.answer_cancel(action, "closed", "success");
    }
}

#[test]
fn an_order_that_waits_for_confirmation_is_404_with_nothing_in_it() {
    let tenant = Tenant::with(&[
        ("authentication.targettoken.enabled", json!(true)),
        ("user.confirmation.flow.enabled", json!(true)),
    ]);
    let (device, action) = tenant.ordered(Kind::Forced);
    let answer = device.deployment(action);
    assert_eq!((answer.status, answer.body.len()), (404, 0));
}

#[test]
fn an_order_whose_number_is_none_is_400() {
    assert_eq!(Device::new().get("/deploymentBase/one").status, 400);
}

#[test]
fn reading_a_finished_order_flips_it_back_to_retrieved_and_the_installed_one_is_gone() {
    let (device, action) = ordered(Kind::Forced);
    device.deployment(action);
    device.feedback(action, "closed", "success");
    assert_eq!(device.state(action), "finished");
    assert_eq!(device.link("installedBase"), Some(format!("/installedBase/{action}")));
    assert_eq!(device.deployment(action).status, 200);
    assert_eq!(device.state(action), "retrieved");
    assert_eq!(device.link("installedBase"), None);
}

#[test]
fn reading_an_order_is_a_row_of_it_once() {
    let (device, action) = ordered(Kind::Forced);
    for _ in 0..3 {
        device.deployment(action);
    }
    let rows = device.operator().action_status(&device.id, action);
    let kinds: Vec<&Value> = rows.iter().map(|row| &row["type"]).collect();
    assert_eq!(kinds, ["running", "retrieved"]);
    assert_eq!(device.state(action), "retrieved");
}

#[test]
fn the_history_of_an_order_is_the_newest_first_and_only_when_it_is_asked_for() {
    let (device, action) = ordered(Kind::Forced);
    for text in ["one", "two", "three"] {
        let mut report = crate::common::status("proceeding", "none");
        report["status"]["details"] = json!([text]);
        assert_eq!(device.report(action, &report).status, 200);
        // Rows of the same millisecond have no order.
        std::thread::sleep(Duration::from_millis(3));
    }
    assert!(device.deployment(action).json().get("actionHistory").is_none());
    let history = |most: i32| {
        device.get(&format!("/deploymentBase/{action}?actionHistory={most}")).json()["actionHistory"].clone()
    };
    let three = history(3);
    assert_eq!(three["messages"], json!(["three", "two", "one"]));
    assert_eq!(three["status"], "RETRIEVED");
    assert_eq!(history(1)["messages"], json!(["three"]));
    // The server's own word on who has given the order is in it, too; `-1` is for all.
    let all = history(-1)["messages"].as_array().unwrap().clone();
    assert_eq!((all.len(), &all[2]), (4, &json!("one")), "{all:?}");
}
