//! The form in which a device gets its answers.

use super::cbor;
use crate::answer::{Answer, Asked};
use crate::http::Response;
use serde_json::{Map, Value, json};

/// An answer in the form that the device accepts: JSON, CBOR, or 406.
pub(super) fn answer(asked: &Asked<'_>, value: &Value) -> Answer {
    let accept = asked.request.header("Accept").unwrap_or("*/*");
    let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let response = kinds.find_map(|kind| match kind {
        "*/*" | "application/*" | "application/hal+json" => {
            Some(Response::json(200, "application/hal+json;charset=UTF-8", value))
        }
        "application/json" => Some(Response::json(200, "application/json;charset=UTF-8", value)),
        "application/cbor" => {
            Some(Response::of(200, "application/cbor;charset=UTF-8", cbor::encoded(&links_in_a_list(value))))
        }
        _ => None,
    });
    response.map(|response| asked.tagged(response)).ok_or_else(|| not_acceptable(accept))
}

fn not_acceptable(accept: &str) -> Response {
    if accept.contains("text/html") {
        Response::page(406)
    } else {
        Response::framework(406, "Not Acceptable")
    }
}

/// In CBOR links are a list, and there is one even if it is empty.
fn links_in_a_list(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut changed = Map::new();
            if object.contains_key("config") {
                changed.insert("links".into(), json!([]));
            }
            for (key, value) in object {
                match value {
                    Value::Object(links) if key == "_links" => {
                        let link = |(rel, link): (&String, &Value)| json!({"rel": rel, "href": link["href"]});
                        changed.insert("links".into(), links.iter().map(link).collect());
                    }
                    other => drop(changed.insert(key.clone(), links_in_a_list(other))),
                }
            }
            Value::Object(changed)
        }
        Value::Array(values) => values.iter().map(links_in_a_list).collect(),
        other => other.clone(),
    }
}

/// Links by their relations; `_links` is left out where there is none.
pub(super) fn with_links(mut value: Value, links: &[(&str, String)]) -> Value {
    if !links.is_empty() {
        let links = links.iter().map(|(rel, href)| ((*rel).to_owned(), json!({"href": href})));
        value["_links"] = Value::Object(links.collect());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_left_out_where_there_are_none() {
        assert_eq!(with_links(json!({"a": 1}), &[]), json!({"a": 1}));
        let value = with_links(json!({}), &[("self", "/x".to_owned())]);
        assert_eq!(value, json!({"_links": {"self": {"href": "/x"}}}));
        assert_eq!(links_in_a_list(&value), json!({"links": [{"rel": "self", "href": "/x"}]}));
    }
}
