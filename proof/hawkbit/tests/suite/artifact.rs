//! Files of orders, whole.

use crate::common::{Device, Raw, ordered, release};
use drydock_hawkbit::Kind;
use serde_json::json;

/// A device with an order, and where the order's file is.
pub(crate) fn with_file(bytes: &[u8]) -> (Device, u64, String) {
    let device = Device::new();
    let release = release("a.drydock", bytes);
    let action = device.order(release.set, Kind::Forced);
    (device, action, format!("/softwaremodules/{}/artifacts/a.drydock", release.module))
}

/// How many rows an order has of that kind.
fn rows(device: &Device, action: u64, kind: &str) -> usize {
    let rows = device.operator().action_status(&device.id, action);
    rows.iter().filter(|row| row["type"] == kind).count()
}

#[test]
fn a_whole_file_has_its_sha1_as_etag_a_date_a_length_and_takes_ranges() {
    let (device, _, path) = with_file(b"abc");
    let answer = device.get(&path);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"abc"[..]));
    assert_eq!(answer.header("ETag"), Some("\"a9993e364706816aba3e25717850c26c9cd0d89d\""));
    assert_eq!(answer.header("Accept-Ranges"), Some("bytes"));
    assert_eq!(answer.header("Content-Length"), Some("3"));
    assert_eq!(answer.header("Content-Type"), Some("application/octet-stream"));
    assert!(answer.header("Last-Modified").is_some_and(|date| date.ends_with(" GMT")), "{}", answer.head);
}

#[test]
fn the_head_of_a_file_is_that_of_the_whole_without_it() {
    let (device, _, path) = with_file(b"abc");
    let answer = device.send("HEAD", &path, &[], b"");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("Content-Length"), Some("3"));
}

#[test]
fn each_whole_download_each_head_and_each_md5sum_is_a_row_and_ranges_are_none() {
    let (device, action, path) = with_file(b"abc");
    device.get(&path);
    device.get(&path);
    assert_eq!(rows(&device, action, "download"), 2);
    device.send("HEAD", &path, &[], b"");
    assert_eq!(rows(&device, action, "download"), 3);
    let sum = device.get(&format!("{path}.MD5SUM"));
    assert_eq!(sum.text(), "900150983cd24fb0d6963f7d28e17f72  a.drydock");
    assert_eq!(rows(&device, action, "download"), 4);
    device.send("GET", &path, &[("Range", "bytes=0-1")], b"");
    device.send("GET", &path, &[("Range", "bytes=9-")], b"");
    assert_eq!(rows(&device, action, "download"), 4);
}

#[test]
fn a_file_may_be_fetched_whatever_the_conditions_that_hawkbit_ignores() {
    let (device, _, path) = with_file(b"abc");
    let tag = "\"a9993e364706816aba3e25717850c26c9cd0d89d\"";
    for condition in [("If-None-Match", tag), ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")] {
        assert_eq!(device.send("GET", &path, &[condition], b"").status, 200, "{condition:?}");
    }
}

#[test]
fn if_match_with_the_quoted_etag_is_always_412() {
    let (device, _, path) = with_file(b"abc");
    let sum = "a9993e364706816aba3e25717850c26c9cd0d89d";
    for tag in [format!("\"{sum}\""), "\"other\"".to_owned()] {
        assert_eq!(device.send("GET", &path, &[("If-Match", &tag)], b"").status, 412, "{tag}");
    }
    assert_eq!(device.send("GET", &path, &[("If-Match", sum)], b"").status, 200);
}

fn assert_gone(answer: &Raw) {
    assert_eq!(answer.status, 404, "{}", answer.head);
}

#[test]
fn a_file_is_404_once_its_order_is_closed() {
    for finished in ["success", "failure"] {
        let (device, action, path) = with_file(b"abc");
        device.feedback(action, "closed", finished);
        assert_gone(&device.get(&path));
        assert_gone(&device.send("GET", &path, &[("Range", "bytes=0-1")], b""));
    }
}

#[test]
fn a_file_is_404_as_soon_as_its_order_is_to_be_canceled() {
    let (device, action, path) = with_file(b"abc");
    device.operator().cancel(&device.id, action);
    assert_gone(&device.send("GET", &path, &[("Range", "bytes=0-1")], b""));
    device.answer_cancel(action, "closed", "success");
    assert_gone(&device.get(&path));
}

#[test]
fn a_file_is_404_once_its_order_is_superseded() {
    let (device, _, path) = with_file(b"abc");
    device.order(release("b.drydock", b"def").set, Kind::Forced);
    assert_gone(&device.send("GET", &path, &[("Range", "bytes=0-1")], b""));
}

#[test]
fn a_file_of_another_devices_order_is_404() {
    let (_, _, path) = with_file(b"abc");
    assert_gone(&Device::new().get(&path));
    let (device, _) = ordered(Kind::Forced);
    assert_gone(&device.get(&path));
}

#[test]
fn the_server_does_not_find_a_file_with_a_blank_by_its_own_link() {
    for (name, status) in [("a b.drydock", 404), ("a+b.drydock", 200)] {
        let device = Device::new();
        let action = device.order(release(name, b"abc").set, Kind::Forced);
        let order = device.deployment(action).json();
        let artifact = &order["deployment"]["chunks"][0]["artifacts"][0];
        assert_eq!(artifact["filename"], json!(name));
        let href = artifact["_links"]["download-http"]["href"].as_str().unwrap();
        let path = href.split_once(&device.home()).unwrap().1;
        assert_eq!(device.get(path).status, status, "{name}: {href}");
    }
}

#[test]
fn an_unknown_file_or_module_is_404() {
    let (device, _, path) = with_file(b"abc");
    assert_gone(&device.get(&path.replace("a.drydock", "b.drydock")));
    assert_gone(&device.get("/softwaremodules/999999999/artifacts/a.drydock"));
}

#[test]
fn a_modules_files_are_listed_for_a_device_that_is_to_have_or_has_them() {
    let (device, action, path) = with_file(b"abc");
    let list = path.trim_end_matches("/a.drydock").to_owned();
    assert_eq!(device.get(&list).json()[0]["filename"], "a.drydock");
    device.feedback(action, "closed", "success");
    assert_eq!(device.get(&list).json()[0]["size"], 3);
    assert_gone(&Device::new().get(&list));
}
