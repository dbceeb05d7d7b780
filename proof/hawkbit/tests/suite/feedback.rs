//! Reports.

use crate::common::{Device, Tenant, ordered, release, status};
use drydock_hawkbit::Kind;
use serde_json::{Value, json};

/// The last row of an order.
fn last_row(device: &Device, action: u64) -> Value {
    device.operator().action_status(&device.id, action).pop().unwrap()
}

fn installed(device: &Device) -> Option<u64> {
    let path = format!("/targets/{}/installedDS", device.id);
    device.operator().request("GET", &path, None).json()["id"].as_u64()
}

#[test]
fn a_report_with_all_that_there_can_be_is_200_with_nothing_in_it() {
    let (device, action) = ordered(Kind::Forced);
    let report = json!({"timestamp": 1_700_000_000_123_u64, "status": {"execution": "proceeding",
        "result": {"finished": "none", "progress": {"cnt": 2, "of": 4}}, "code": 200, "details": ["writing rootfs"]}});
    let answer = device.report(action, &report);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let row = last_row(&device, action);
    assert_eq!((&row["code"], &row["timestamp"]), (&json!(200), &json!(1_700_000_000_123_u64)));
    assert_eq!(row["messages"][0], "writing rootfs");
}

#[test]
fn a_report_needs_an_execution_and_a_result_and_nothing_else() {
    let (device, action) = ordered(Kind::Forced);
    assert_eq!(device.report(action, &status("proceeding", "none")).status, 200);
    for bad in [
        json!({"status": {"execution": "proceeding"}}),
        json!({"status": {"execution": "proceeding", "result": {}}}),
        json!({"status": {"execution": "cooking", "result": {"finished": "none"}}}),
        json!({"status": {"execution": "proceeding", "result": {"finished": "perhaps"}}}),
        json!({}),
    ] {
        assert_eq!(device.report(action, &bad).status, 400, "{bad}");
    }
    let kind = [("Content-Type", "application/json")];
    let path = format!("/deploymentBase/{action}/feedback");
    assert_eq!(device.send("POST", &path, &kind, b"{not json").status, 400);
}

#[test]
fn closed_with_success_finishes_the_order_and_the_set_is_installed() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let action = device.order(set, Kind::Forced);
    assert_eq!(device.feedback(action, "closed", "success").status, 200);
    assert_eq!((device.state(action).as_str(), device.seen(action)["active"] == true), ("finished", false));
    assert_eq!(installed(&device), Some(set));
    assert_eq!(device.operator().target(&device.id)["updateStatus"], "in_sync");
    assert_eq!(device.link("installedBase"), Some(format!("/installedBase/{action}")));
}

#[test]
fn closed_with_none_counts_as_success() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let action = device.order(set, Kind::Forced);
    assert_eq!(device.feedback(action, "closed", "none").status, 200);
    assert_eq!((device.state(action).as_str(), installed(&device)), ("finished", Some(set)));
}

#[test]
fn closed_with_failure_is_an_error_with_its_code_and_the_set_may_be_ordered_again() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let action = device.order(set, Kind::Forced);
    let mut report = status("closed", "failure");
    report["status"]["code"] = json!(17);
    assert_eq!(device.report(action, &report).status, 200);
    let seen = device.seen(action);
    assert_eq!((&seen["status"], &seen["lastStatusCode"]), (&json!("error"), &json!(17)));
    assert_eq!((installed(&device), device.link("deploymentBase")), (None, None));
    let again = device.order(set, Kind::Forced);
    assert_ne!(again, action);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{again}")));
}

#[test]
fn a_set_that_a_device_is_to_have_already_is_not_ordered_again() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let action = device.order(set, Kind::Forced);
    for _ in 0..2 {
        let said = device.operator().try_assign(&device.id, set, Kind::Forced, &json!({})).json();
        assert_eq!((&said["alreadyAssigned"], &said["assigned"]), (&json!(1), &json!(0)), "{said}");
        device.feedback(action, "closed", "success");
    }
}

#[test]
fn reports_on_the_way_are_a_row_each_and_the_order_stays_open() {
    let (device, action) = ordered(Kind::Forced);
    for (execution, kind) in [
        ("download", "download"),
        ("downloaded", "downloaded"),
        ("proceeding", "running"),
        ("scheduled", "running"),
        ("resumed", "running"),
    ] {
        assert_eq!(device.feedback(action, execution, "none").status, 200, "{execution}");
        assert_eq!(last_row(&device, action)["type"], kind, "{execution}");
        assert_eq!(device.seen(action)["active"], true, "{execution}");
    }
    assert_eq!(device.operator().action_status(&device.id, action).len(), 6);
}

#[test]
fn progress_shows_only_in_the_rows_and_not_in_the_state() {
    let (device, action) = ordered(Kind::Forced);
    device.deployment(action);
    device.feedback(action, "downloaded", "none");
    assert_eq!(device.state(action), "retrieved");
}

#[test]
fn rejected_is_a_warning_and_the_order_is_offered_again() {
    let (device, action) = ordered(Kind::Forced);
    assert_eq!(device.feedback(action, "rejected", "none").status, 200);
    assert_eq!(last_row(&device, action)["type"], "warning");
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
}

#[test]
fn canceled_without_a_cancellation_is_a_row_and_nothing_else() {
    let (device, action) = ordered(Kind::Forced);
    assert_eq!(device.feedback(action, "canceled", "none").status, 200);
    assert_eq!(last_row(&device, action)["type"], "canceled");
    assert_eq!(device.seen(action)["active"], true);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
}

#[test]
fn downloaded_closes_an_order_to_download_only_and_a_later_closed_is_410() {
    let (device, action) = ordered(Kind::DownloadOnly);
    assert_eq!(device.feedback(action, "downloaded", "none").status, 200);
    let seen = device.seen(action);
    assert_eq!((&seen["status"], &seen["active"]), (&json!("downloaded"), &json!(false)));
    let late = device.feedback(action, "closed", "success");
    assert_eq!((late.status, late.body.len()), (410, 0));
}

#[test]
fn anything_after_closed_is_410_with_nothing_in_it() {
    for finished in ["success", "failure"] {
        let (device, action) = ordered(Kind::Forced);
        device.feedback(action, "closed", finished);
        for execution in ["proceeding", "closed"] {
            let late = device.feedback(action, execution, "success");
            assert_eq!((late.status, late.body.len()), (410, 0));
        }
        assert_eq!(device.state(action), if finished == "success" { "finished" } else { "error" });
    }
}

#[test]
fn anything_after_canceled_is_410() {
    let (device, action) = ordered(Kind::Forced);
    device.operator().cancel(&device.id, action);
    device.answer_cancel(action, "closed", "success");
    assert_eq!(device.feedback(action, "closed", "success").status, 410);
}

#[test]
fn with_autoclose_a_newer_order_closes_the_older_one_without_a_cancel_and_it_is_410() {
    let tenant = Tenant::with(&[
        ("authentication.targettoken.enabled", json!(true)),
        ("repository.actions.autoclose.enabled", json!(true)),
    ]);
    let (device, old) = tenant.ordered(Kind::Forced);
    let new = device.order(crate::common::release_on(tenant.server, "b.bin", b"def").set, Kind::Forced);
    assert_eq!(device.link("cancelAction"), None);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{new}")));
    assert_eq!(device.feedback(old, "proceeding", "none").status, 410);
    assert_eq!((device.state(old).as_str(), device.deployment(old).status), ("canceled", 404));
}

#[test]
fn a_report_of_a_deleted_device_is_404_with_the_gateway_token_and_401_with_its_own() {
    let (mut device, action) = ordered(Kind::Forced);
    device.operator().delete_target(&device.id);
    assert_eq!(device.feedback(action, "closed", "success").status, 401);
    device.authorization = format!("GatewayToken {}", device.server.gateway_key());
    let answer = device.feedback(action, "closed", "success");
    assert_eq!((answer.status, answer.json()["errorCode"].is_string()), (404, true));
}

#[test]
fn closed_with_success_wins_over_a_cancellation_that_is_pending() {
    let (device, action) = ordered(Kind::Forced);
    device.operator().cancel(&device.id, action);
    assert_eq!(device.feedback(action, "closed", "success").status, 200);
    assert_eq!(device.state(action), "finished");
    assert_eq!(device.link("cancelAction"), None);
}

#[test]
fn a_report_of_a_time_before_the_last_installation_finishes_its_order_and_installs_nothing() {
    let (device, first) = ordered(Kind::Forced);
    device.feedback(first, "closed", "success");
    let before = installed(&device);
    let second = device.order(release("b.bin", b"def").set, Kind::Forced);
    let mut report = status("closed", "success");
    report["timestamp"] = json!(1_700_000_000_000_u64);
    assert_eq!(device.report(second, &report).status, 200);
    assert_eq!((device.state(second).as_str(), installed(&device)), ("finished", before));
    assert_eq!(device.operator().target(&device.id)["updateStatus"], "pending");
}

fn detailed(details: &[String]) -> Value {
    let mut report = status("proceeding", "none");
    report["status"]["details"] = json!(details);
    report
}

#[test]
fn details_may_have_any_letters_and_several_lines() {
    let (device, action) = ordered(Kind::Forced);
    let text = "Größe: 5 MiB ✓\nzweite Zeile".to_owned();
    assert_eq!(device.report(action, &detailed(std::slice::from_ref(&text))).status, 200);
    assert_eq!(last_row(&device, action)["messages"], json!([text]));
}

#[test]
fn a_detail_of_more_than_512_characters_is_split() {
    let (device, action) = ordered(Kind::Forced);
    assert_eq!(device.report(action, &detailed(&["x".repeat(512), "y".repeat(1000)])).status, 200);
    let messages = last_row(&device, action)["messages"].clone();
    let mut lengths: Vec<usize> =
        messages.as_array().unwrap().iter().map(|text| text.as_str().unwrap().len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [488, 512, 512]);
}

#[test]
fn more_than_fifty_details_are_429_and_nothing_of_them_is_kept() {
    let (device, action) = ordered(Kind::Forced);
    let many: Vec<String> = (0..51).map(|number| format!("detail {number}")).collect();
    assert_eq!(device.report(action, &detailed(&many[..50])).status, 200);
    let rows = device.operator().action_status(&device.id, action).len();
    let answer = device.report(action, &detailed(&many));
    assert_eq!(answer.status, 429);
    assert_eq!(answer.json()["errorCode"], "hawkbit.server.error.quota.tooManyEntries");
    assert_eq!(device.operator().action_status(&device.id, action).len(), rows);
}

#[test]
fn after_a_thousand_rows_reports_and_whole_downloads_are_429_but_ranges_and_the_closing_report_pass() {
    let (device, action, path) = crate::artifact::with_file(b"abc");
    let mut taken = 1;
    let refused = loop {
        let answer = device.feedback(action, "proceeding", "none");
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken <= 1000);
    };
    assert_eq!((taken, refused.status), (1000, 429));
    assert_eq!(refused.json()["errorCode"], "hawkbit.server.error.quota.tooManyEntries");
    assert_eq!(device.operator().action_status(&device.id, action).len(), 1000);
    assert_eq!(device.get(&path).status, 429);
    assert_eq!(device.send("GET", &path, &[("Range", "bytes=0-1")], b"").status, 206);
    assert_eq!(device.feedback(action, "closed", "success").status, 200);
    assert_eq!(device.state(action), "finished");
}

#[test]
fn a_code_is_a_message_too_and_counts_as_one() {
    let (device, action) = ordered(Kind::Forced);
    let mut report = detailed(&(0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    report["status"]["code"] = json!(7);
    assert_eq!(device.report(action, &report).status, 429);
    report["status"]["details"] = json!(["one"]);
    assert_eq!(device.report(action, &report).status, 200);
    let messages = last_row(&device, action)["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 2, "{messages}");
    let history = device.get(&format!("/deploymentBase/{action}?actionHistory=9")).json();
    assert_eq!(history["actionHistory"]["messages"].as_array().unwrap().len(), 3, "{history}");
}

#[test]
fn a_report_to_an_unknown_order_or_another_devices_is_404() {
    let (_, action) = ordered(Kind::Forced);
    let device = Device::new();
    for action in [action, 999_999_999] {
        let answer = device.feedback(action, "closed", "success");
        assert_eq!((answer.status, answer.json()["errorCode"].is_string()), (404, true));
    }
}
