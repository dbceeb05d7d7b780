//! Held against `serde_json`, which reads the same types from the same texts.

use super::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    small: u8,
    signed: i64,
    #[serde(default)]
    text: String,
    maybe: Option<u32>,
    choice: Choice,
    tagged: Tagged,
    list: Vec<Choice>,
    pair: (bool, u16),
    map: BTreeMap<String, Newtype>,
    any: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    Nothing,
    With(String),
    Fields { number: i32 },
    Two(u8, u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Tagged {
    Plain,
    Fields { number: u32, text: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Lenient {
    known: u8,
    #[serde(flatten)]
    later: serde_json::Map<String, Value>,
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<String>().prop_map(Choice::With),
        any::<i32>().prop_map(|number| Choice::Fields { number }),
        any::<(u8, u8)>().prop_map(|(a, b)| Choice::Two(a, b)),
    ]
}

fn tagged() -> impl Strategy<Value = Tagged> {
    prop_oneof![
        Just(Tagged::Plain),
        any::<(u32, String)>().prop_map(|(number, text)| Tagged::Fields { number, text }),
    ]
}

fn whole() -> impl Strategy<Value = Whole> {
    let map = prop::collection::btree_map(any::<String>(), any::<u64>().prop_map(Newtype), 0..4);
    (
        any::<(u8, i64, String, Option<u32>, (bool, u16))>(),
        choice(),
        tagged(),
        prop::collection::vec(choice(), 0..4),
        map,
    )
        .prop_map(|((small, signed, text, maybe, pair), choice, tagged, list, map)| {
            let any = serde_json::json!({"a": [1, -1, 1.5, null, true, "x"], "b": {}});
            Whole { small, signed, text, maybe, choice, tagged, list, pair, map, any }
        })
}

/// Leaves of a value, by how to get there, and what stands there.
fn places(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let children: Vec<(String, &Value)> = match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let name = name.replace('~', "~0").replace('/', "~1");
        found.extend(places(child).into_iter().map(|rest| format!("/{name}{rest}")));
    }
    found
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read(whole in whole()) {
        let text = serde_json::to_vec(&whole).unwrap();
        prop_assert_eq!(from_slice::<Whole>(&text).unwrap(), whole);
    }

    #[test]
    fn what_serde_json_refuses_is_refused_and_nothing_else(
        whole in whole(),
        at in any::<prop::sample::Index>(),
        other in prop_oneof![
            Just(Value::Null), Just(Value::from(true)), Just(Value::from(-1)), Just(Value::from(300)),
            Just(Value::from(1e30)), Just(Value::from("plain")), Just(serde_json::json!(["nothing"])),
            Just(serde_json::json!({"with": "x"})), Just(serde_json::json!({"nothing": null, "with": 1})),
        ],
    ) {
        let mut value = serde_json::to_value(&whole).unwrap();
        let places = places(&value);
        *value.pointer_mut(&places[at.index(places.len())]).unwrap() = other;
        let theirs = serde_json::from_value::<Whole>(value.clone());
        let ours = from_value::<Whole>(&value);
        prop_assert_eq!(ours.as_ref().ok(), theirs.as_ref().ok(), "{:?} {:?}", ours, theirs);
    }
}

#[test]
fn an_array_is_no_struct() {
    assert_eq!(serde_json::from_str::<(u8, u8)>("[1,2]").unwrap(), from_slice::<(u8, u8)>(b"[1,2]").unwrap());
    let wrong = from_slice::<Lenient>(b"[1]").unwrap_err().to_string();
    assert_eq!(wrong, "invalid type: sequence, expected an object");
}

#[test]
fn fields_of_a_later_version_are_kept_where_a_type_keeps_them() {
    let text = br#"{"known":1,"new":{"deep":[1]}}"#;
    let read: Lenient = from_slice(text).unwrap();
    assert_eq!(serde_json::to_vec(&read).unwrap(), text);
}

#[test]
fn numbers_that_are_keys_are_read_as_texts_only() {
    assert!(from_slice::<BTreeMap<u32, u8>>(br#"{"1":2}"#).is_err());
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["", "{", "{}{}", "nul", &"[".repeat(1000)] {
        assert!(from_slice::<Value>(text.as_bytes()).is_err(), "{text:.20}");
    }
}
