//! A device's attributes.

use crate::common::{Device, ordered};
use drydock_hawkbit::Kind;
use serde_json::{Map, Value, json};

fn attribute(device: &Device, key: &str) -> Option<String> {
    device.operator().attributes(&device.id).remove(key)
}

#[test]
fn attributes_are_taken_with_200_and_nothing_in_it() {
    let device = Device::new();
    let answer = device.put("/configData", &json!({"mode": "merge", "data": {"board": "bbb", "slot": "a"}}));
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(attribute(&device, "board").as_deref(), Some("bbb"));
}

#[test]
fn attributes_are_merged_replaced_and_removed_and_merged_if_nothing_is_said() {
    let device = Device::new();
    device.put("/configData", &json!({"data": {"a": "1", "b": "1"}}));
    device.put("/configData", &json!({"data": {"b": "2", "c": "2"}}));
    let all = |device: &Device| -> Vec<(String, String)> {
        device.operator().attributes(&device.id).into_iter().collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    };
    assert_eq!(all(&device), pairs(&[("a", "1"), ("b", "2"), ("c", "2")]));
    device.put("/configData", &json!({"mode": "remove", "data": {"a": "", "b": ""}}));
    assert_eq!(all(&device), pairs(&[("c", "2")]));
    device.put("/configData", &json!({"mode": "replace", "data": {"d": "4"}}));
    assert_eq!(all(&device), pairs(&[("d", "4")]));
}

#[test]
fn a_mode_in_upper_case_or_of_another_name_is_400() {
    let device = Device::new();
    for mode in ["MERGE", "Replace", "add"] {
        assert_eq!(
            device.put("/configData", &json!({"mode": mode, "data": {"a": "1"}})).status,
            400,
            "{mode}"
        );
    }
}

#[test]
fn null_removes_a_key_and_a_number_becomes_text() {
    let device = Device::new();
    device.put("/configData", &json!({"data": {"a": "1", "b": 7}}));
    assert_eq!(attribute(&device, "b").as_deref(), Some("7"));
    device.put("/configData", &json!({"data": {"a": null}}));
    assert_eq!(attribute(&device, "a"), None);
}

#[test]
fn one_attribute_that_is_not_printable_ascii_or_has_a_tilde_has_all_of_them_refused() {
    let device = Device::new();
    for bad in ["ümlaut", "bell\u{7}", "1.0~rc1", "`backtick`"] {
        assert_eq!(
            device.put("/configData", &json!({"data": {"good": "1", "bad": bad}})).status,
            400,
            "{bad:?}"
        );
        assert_eq!(
            device.put("/configData", &json!({"data": {"good": "1", bad: "bad"}})).status,
            400,
            "{bad:?}"
        );
    }
    assert!(device.operator().attributes(&device.id).is_empty());
}

#[test]
fn all_other_printable_ascii_and_blanks_of_all_kinds_are_taken() {
    let device = Device::new();
    let all: String = (' '..='}').filter(|letter| *letter != '`').chain("\t\n\u{b}\u{c}\r".chars()).collect();
    assert_eq!(device.put("/configData", &json!({"data": {"all": all}})).status, 200);
    assert_eq!(attribute(&device, "all"), Some(all));
}

#[test]
fn a_key_or_a_value_has_at_most_128_characters() {
    let device = Device::new();
    let (fits, long) = ("x".repeat(128), "x".repeat(129));
    assert_eq!(device.put("/configData", &json!({"data": {&fits: fits}})).status, 200);
    assert_eq!(device.put("/configData", &json!({"data": {"a": long}})).status, 400);
    assert_eq!(device.put("/configData", &json!({"data": {&long: "a"}})).status, 400);
}

#[test]
fn more_than_a_hundred_attributes_in_all_are_429_and_a_quota() {
    let device = Device::new();
    let many: Map<String, Value> = (0..100).map(|number| (format!("k{number}"), json!("1"))).collect();
    assert_eq!(device.put("/configData", &json!({"data": many})).status, 200);
    let answer = device.put("/configData", &json!({"data": {"one-more": "1"}}));
    assert_eq!(answer.status, 429);
    assert_eq!(answer.json()["errorCode"], "hawkbit.server.error.quota.tooManyEntries");
    assert_eq!(device.operator().attributes(&device.id).len(), 100);
}

#[test]
fn attributes_without_a_content_type_are_415() {
    let device = Device::new();
    assert_eq!(device.send("PUT", "/configData", &[], br#"{"data":{"a":"1"}}"#).status, 415);
    let text = [("Content-Type", "text/plain")];
    assert_eq!(device.send("PUT", "/configData", &text, br#"{"data":{"a":"1"}}"#).status, 415);
}

#[test]
fn attributes_are_asked_for_once_and_after_each_success_and_when_the_operator_wants_them() {
    let (device, action) = ordered(Kind::Forced);
    let asked = |device: &Device| device.link("configData").is_some();
    assert!(asked(&device));
    device.put("/configData", &json!({"data": {"a": "1"}}));
    assert!(!asked(&device));
    device.feedback(action, "proceeding", "none");
    assert!(!asked(&device));
    device.feedback(action, "closed", "success");
    assert!(asked(&device));
    device.put("/configData", &json!({"data": {"a": "1"}}));
    device.operator().request_attributes(&device.id);
    assert!(asked(&device));
}

#[test]
fn removing_attributes_does_not_answer_the_question_for_them() {
    let device = Device::new();
    device.put("/configData", &json!({"mode": "remove", "data": {"a": ""}}));
    assert!(device.link("configData").is_some());
}

#[test]
fn sending_attributes_is_no_sign_of_life() {
    let device = Device::new();
    device.put("/configData", &json!({"data": {"a": "1"}}));
    assert!(device.operator().target(&device.id)["lastControllerRequestAt"].is_null());
}
