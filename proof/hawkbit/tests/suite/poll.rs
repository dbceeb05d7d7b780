//! The poll.

use crate::common::{Device, Tenant, ordered, pass, release, release_on, send, server, status};
use drydock_hawkbit::Kind;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A device that has nothing to do.
fn idle() -> Device {
    let device = Device::new();
    assert_eq!(device.put("/configData", &json!({"data": {"board": "bbb"}})).status, 200);
    device
}

fn href(device: &Device, relation: &str) -> String {
    device.get("").json()["_links"][relation]["href"].as_str().unwrap().to_owned()
}

#[test]
fn a_poll_is_hal_json_with_an_etag_a_time_to_sleep_and_links() {
    let device = Device::new();
    let answer = device.get("");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/hal+json;charset=UTF-8"));
    assert!(
        answer.header("ETag").is_some_and(|tag| tag.starts_with('"') && tag.ends_with('"')),
        "{}",
        answer.head
    );
    let home = format!("{}{}", device.server.url(), device.home());
    let expected = json!({"config": {"polling": {"sleep": "00:00:30"}},
        "_links": {"configData": {"href": format!("{home}/configData")}}});
    assert_eq!(answer.json(), expected);
}

#[test]
fn links_are_missing_altogether_when_nothing_is_due() {
    assert_eq!(idle().get("").json(), json!({"config": {"polling": {"sleep": "00:00:30"}}}));
}

#[test]
fn several_links_may_be_there_at_a_time() {
    let device = Device::new();
    let first = device.order(release("a.bin", b"1").set, Kind::Forced);
    device.feedback(first, "closed", "success");
    device.order(release("a.bin", b"2").set, Kind::Forced);
    let links = device.get("").json()["_links"].clone();
    let mut relations: Vec<&String> = links.as_object().unwrap().keys().collect();
    relations.sort();
    assert_eq!(relations, ["configData", "deploymentBase", "installedBase"]);
}

#[test]
fn the_time_to_sleep_is_the_operators_within_30_seconds_and_a_day() {
    let mut tenant = Tenant::with(&[("authentication.targettoken.enabled", json!(true))]);
    for time in ["00:00:30", "23:59:59", "01:02:03"] {
        tenant.set("pollingTime", json!(time));
        assert_eq!(tenant.device().get("").json()["config"]["polling"]["sleep"], time);
    }
    for time in ["00:00:29", "24:00:00", "often"] {
        let said = tenant.server.operator().request(
            "PUT",
            "/system/configs/pollingTime",
            Some(&json!({"value": time})),
        );
        assert_eq!(said.status, 400, "{time}");
    }
}

#[test]
fn a_poll_with_the_etag_of_the_last_one_is_304_without_a_body() {
    let device = idle();
    let tag = device.get("").header("ETag").unwrap().to_owned();
    let again = device.send("GET", "", &[("If-None-Match", &tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    device.order(release("a.bin", b"abc").set, Kind::Forced);
    assert_eq!(device.send("GET", "", &[("If-None-Match", &tag)], b"").status, 200);
}

#[test]
fn the_number_in_an_orders_link_changes_with_a_report_of_another_code_and_only_then() {
    let (device, action) = ordered(Kind::Forced);
    device.deployment(action);
    let mut seen = vec![href(&device, "deploymentBase")];
    for code in [1, 1, 2, 3] {
        let mut report = status("proceeding", "none");
        report["status"]["code"] = json!(code);
        device.report(action, &report);
        seen.push(href(&device, "deploymentBase"));
    }
    let all = seen.len();
    seen.dedup();
    assert_eq!((all, seen.len()), (5, 4), "{seen:?}");
}

#[test]
fn the_number_in_an_orders_link_changes_when_it_is_read_for_the_first_time() {
    let (device, action) = ordered(Kind::Forced);
    let before = href(&device, "deploymentBase");
    device.deployment(action);
    let after = href(&device, "deploymentBase");
    assert_ne!(before, after);
    device.deployment(action);
    assert_eq!(href(&device, "deploymentBase"), after);
}

#[test]
fn the_number_in_an_orders_link_changes_when_it_is_forced() {
    let (device, action) = ordered(Kind::Soft);
    let before = href(&device, "deploymentBase");
    device.operator().force(&device.id, action);
    assert_ne!(href(&device, "deploymentBase"), before);
}

#[test]
fn the_number_in_an_orders_link_changes_when_a_window_opens() {
    let tenant = Tenant::with(&[("authentication.targettoken.enabled", json!(true))]);
    let device = tenant.device();
    let set = release_on(tenant.server, "a.bin", b"abc").set;
    // For two seconds of every eight.
    device.operator().assign_in_window(
        &device.id,
        set,
        Kind::Forced,
        ("0/8 * * ? * *", "00:00:02", "+00:00"),
    );
    let mut seen = vec![];
    for _ in 0..20 {
        seen.push(href(&device, "deploymentBase"));
        pass(device.server, Duration::from_millis(500));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn an_order_is_known_by_its_path_and_the_number_may_be_wrong_or_left_out() {
    let (device, action) = ordered(Kind::Forced);
    for number in ["", "?c=1", "?c=-99"] {
        let answer = device.get(&format!("/deploymentBase/{action}{number}"));
        assert_eq!((answer.status, answer.json()["id"].clone()), (200, json!(action.to_string())));
    }
}

#[test]
fn in_cbor_links_are_a_list() {
    let device = Device::new();
    let answer = device.send("GET", "", &[("Accept", "application/cbor")], b"");
    assert_eq!(answer.status, 200);
    assert!(answer.header("Content-Type").unwrap().starts_with("application/cbor"));
    let has = |text: &[u8]| answer.body.windows(text.len()).any(|window| window == text);
    // A text of five letters, followed by a list; a text of three, `rel`.
    assert!(has(b"\x65links\x81") || has(b"\x65links\x9f"), "{:02x?}", answer.body);
    assert!(has(b"\x63rel\x6aconfigData") && has(b"\x64href"), "{:02x?}", answer.body);
    assert!(!has(b"_links"));
}

#[test]
fn what_is_neither_json_nor_cbor_is_406() {
    let device = Device::new();
    for accept in ["text/html", "application/xml"] {
        assert_eq!(device.send("GET", "", &[("Accept", accept)], b"").status, 406, "{accept}");
    }
    for accept in ["*/*", "application/json", "application/hal+json"] {
        assert_eq!(device.send("GET", "", &[("Accept", accept)], b"").status, 200, "{accept}");
    }
}

#[test]
fn a_newer_order_is_offered_only_when_the_cancel_of_the_old_one_is_answered() {
    let (device, old) = ordered(Kind::Forced);
    let new = device.order(release("a.bin", b"new").set, Kind::Forced);
    assert_eq!(device.link("cancelAction"), Some(format!("/cancelAction/{old}")));
    assert_eq!(device.link("deploymentBase"), None);
    device.answer_cancel(old, "closed", "success");
    assert_eq!(device.link("cancelAction"), None);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{new}")));
}

#[test]
fn links_are_to_the_host_that_the_client_has_named() {
    let device = Device::new();
    let url = device.server.url().replace("127.0.0.1", "localhost");
    let headers = [("Authorization", device.authorization.as_str())];
    let said = send(&url, "GET", &device.home(), &headers, b"").json();
    let href = said["_links"]["configData"]["href"].as_str().unwrap();
    assert!(href.starts_with(&url), "{href}");
}

#[test]
fn links_are_https_where_a_proxy_says_so_and_the_relation_is_download_http_all_the_same() {
    let (device, action) = ordered(Kind::Forced);
    let headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443")];
    let order = device.send("GET", &format!("/deploymentBase/{action}"), &headers, b"").json();
    let links = &order["deployment"]["chunks"][0]["artifacts"][0]["_links"];
    let href = links["download-http"]["href"].as_str().unwrap();
    assert!(href.starts_with("https://127.0.0.1:8443/"), "{href}");
    assert_eq!(links.as_object().unwrap().len(), 2, "{links}");
}

#[test]
fn what_there_is_none_of_is_404_and_what_can_not_be_done_with_it_405() {
    let device = Device::new();
    assert_eq!(device.get("/nothing").status, 404);
    assert_eq!(device.send("DELETE", "", &[], b"").status, 405);
    let other = [("Authorization", device.authorization.as_str())];
    assert_eq!(send(&device.server.url(), "GET", "/OTHER/controller/v1/any", &other, b"").status, 401);
}

#[test]
fn the_head_of_a_poll_has_its_length_and_no_etag() {
    let answer = Device::new().send("HEAD", "", &[], b"");
    assert_eq!((answer.status, answer.body.len(), answer.header("ETag")), (200, 0, None));
    assert!(answer.header("Content-Length").is_some_and(|length| length != "0"), "{}", answer.head);
}

#[test]
fn a_body_may_come_in_chunks() {
    let device = Device::new();
    let (body, host) = (r#"{"data":{"a":"1"}}"#, device.server.url());
    let mut stream = TcpStream::connect(host.strip_prefix("http://").unwrap()).unwrap();
    let text = format!(
        "PUT {}/configData HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: {}\r\n\
        Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        device.home(),
        device.authorization,
        body.len()
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(device.operator().attributes(&device.id)["a"], "1");
}

#[test]
fn a_poll_is_a_sign_of_life() {
    let device = Device::new();
    assert!(device.operator().target(&device.id)["lastControllerRequestAt"].is_null());
    device.get("");
    let target = device.operator().target(&device.id);
    assert!(target["lastControllerRequestAt"].is_u64() && target["updateStatus"] == "registered", "{target}");
    assert_eq!(server().which(), device.server.which());
}
