//! What all answers to operators are made of: pages of lists, and what must be in a body.

use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::Denied;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// The most entries of a page, and how many there are where nobody has said it.
const MAX_PAGE: usize = 500;
const PAGE: usize = 50;
/// What lists can be sorted by.
const SORTED_BY: &[&str] = &[
    "id",
    "controllerid",
    "name",
    "description",
    "version",
    "status",
    "active",
    "createdat",
    "lastmodifiedat",
    "updatestatus",
    "lastcontrollerrequestat",
    "weight",
    "timestamp",
    "reportedat",
    "laststatuscode",
    "type",
];

/// 200 with that.
pub(super) fn ok(value: &Value) -> Response {
    Response::json(200, "application/hal+json;charset=UTF-8", value)
}

/// 201 with that.
pub(super) fn created(value: &Value) -> Response {
    Response::json(201, "application/hal+json;charset=UTF-8", value)
}

/// A page of a list: `sort=FIELD:ASC,OTHER:DESC`, `offset` and `limit`. `usual` is how it is sorted where nothing is said.
pub(super) fn page(asked: &Asked<'_>, mut all: Vec<Value>, usual: &str) -> Answer {
    let number = |name: &str, otherwise: usize| {
        asked.request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    sort(&mut all, asked.request.parameter("sort").unwrap_or(usual))?;
    let total = all.len();
    let limit = number("limit", PAGE).min(MAX_PAGE);
    let content: Vec<Value> = all.into_iter().skip(number("offset", 0)).take(limit).collect();
    Ok(ok(&json!({"total": total, "size": content.len(), "content": content})))
}

/// Sorts by several fields, the first one above all.
fn sort(all: &mut [Value], by: &str) -> Result<(), Denied> {
    for part in by.split(',').rev() {
        let (field, direction) = part.split_once(':').ok_or(Denied::Invalid("sort"))?;
        let field = field.trim().to_lowercase();
        if !SORTED_BY.contains(&field.as_str()) {
            return Err(Denied::Invalid("sorted"));
        }
        let descending = match direction.trim().to_uppercase().as_str() {
            "ASC" => false,
            "DESC" => true,
            _ => return Err(Denied::Invalid("sort")),
        };
        all.sort_by(|one, other| {
            let order = compared(valued(one, &field), valued(other, &field));
            if descending { order.reverse() } else { order }
        });
    }
    Ok(())
}

/// A field's value; a device's id is called otherwise.
fn valued<'v>(of: &'v Value, field: &str) -> &'v Value {
    let name = if field == "id" && of.get("controllerId").is_some() { "controllerid" } else { field };
    let mut fields = of.as_object().into_iter().flatten();
    fields.find(|(known, _)| known.to_lowercase() == name).map_or(&Value::Null, |(_, value)| value)
}

fn compared(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_u64().cmp(&other.as_u64()),
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (one, other) => other.is_null().cmp(&one.is_null()),
    }
}

/// What a list of things to make holds.
pub(super) fn entries(said: &Value) -> Result<&Vec<Value>, Response> {
    said.as_array().ok_or_else(unreadable)
}

/// Text that must be there.
pub(super) fn text<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, Denied> {
    value[name].as_str().filter(|text| !text.is_empty()).ok_or(Denied::Invalid(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_sorted_by_several_fields() {
        let mut all = vec![
            json!({"id": 1, "active": false}),
            json!({"id": 2, "active": true}),
            json!({"id": 10, "active": false}),
        ];
        sort(&mut all, "ACTIVE:DESC,ID:DESC").unwrap();
        let ids: Vec<&Value> = all.iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [&json!(2), &json!(10), &json!(1)]);
        assert_eq!(sort(&mut all, "wheels:ASC"), Err(Denied::Invalid("sorted")));
        assert_eq!(sort(&mut all, "id"), Err(Denied::Invalid("sort")));
    }
}
