//! Lists of keys and values: what is written to something.

use super::shape;
use crate::answer::unreadable;
use crate::http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is written to something, as a list.
pub(super) fn metadata(of: &BTreeMap<String, String>) -> Response {
    let all: Vec<Value> = of.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    shape::ok(&json!({"total": all.len(), "size": all.len(), "content": all}))
}

/// What is to be written to something.
pub(super) fn pairs(said: &Value) -> Result<Vec<(String, String)>, Response> {
    let pair = |entry: &Value| {
        Ok((
            shape::text(entry, "key")?.to_owned(),
            entry["value"].as_str().ok_or_else(unreadable)?.to_owned(),
        ))
    };
    shape::entries(said)?.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_written_is_a_list_of_keys_and_values() {
        let found = pairs(&json!([{"key": "a", "value": "1"}])).unwrap();
        assert_eq!(found, [("a".to_owned(), "1".to_owned())]);
        assert!(pairs(&json!([{"key": "a"}])).is_err() && pairs(&json!({})).is_err());
    }
}
