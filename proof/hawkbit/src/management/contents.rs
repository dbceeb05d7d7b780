//! Distribution sets, and what is written to them.

use super::{shape, targets};
use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::{Denied, Set, Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of distribution sets.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    let contents = &mut store.contents;
    match (method, parts) {
        ("GET", []) => {
            let words = words(asked.request.parameter("q"))?;
            let known = contents.sets.values().filter(|set| !set.deleted).filter(|set| {
                words.iter().all(|(key, value)| match key.as_str() {
                    "name" => set.name == *value,
                    "version" => set.version == *value,
                    "type" | "type.key" => set.kind == *value,
                    _ => set.id.to_string() == *value,
                })
            });
            Ok(shape::page(asked, known.map(|set| shape::set(asked, contents, set)).collect(), false))
        }
        ("POST", []) => create(store, asked),
        ("GET", [id]) => Ok(shape::ok(&shape::set(asked, contents, contents.set(number(id)?)?))),
        ("DELETE", [id]) => {
            contents.set_mut(number(id)?)?.deleted = true;
            Ok(Response::empty(204))
        }
        ("POST", [id, "invalidate"]) => {
            contents.set_mut(number(id)?)?.invalid = true;
            Ok(Response::empty(204))
        }
        ("POST", [id, "assignedTargets"]) => assign(store, asked, number(id)?),
        ("GET", [id, "assignedTargets"]) => targets_of(store, asked, number(id)?, false),
        ("GET", [id, "installedTargets"]) => targets_of(store, asked, number(id)?, true),
        ("GET", [id, "assignedSM"]) => {
            let modules = contents.set(number(id)?)?.modules.iter();
            let modules = modules.filter_map(|id| contents.modules.get(id));
            Ok(shape::page(asked, modules.map(|module| shape::module(asked, module)).collect(), false))
        }
        ("GET", [id, "metadata"]) => Ok(metadata(&contents.set(number(id)?)?.metadata)),
        ("POST", [id, "metadata"]) => {
            let pairs = pairs(&asked.json()?)?;
            contents.set_mut(number(id)?)?.metadata.extend(pairs);
            Ok(Response::empty(201))
        }
        ("GET", [id, "metadata", key]) => {
            let value = contents.set(number(id)?)?.metadata.get(*key);
            let value = value.ok_or(Denied::Unknown("DistributionSetMetadata"))?;
            Ok(shape::ok(&json!({"key": key, "value": value})))
        }
        ("PUT", [id, "metadata", key]) => {
            let value = shape::text(&asked.json()?, "value")?.to_owned();
            let known = contents.set_mut(number(id)?)?.metadata.get_mut(*key);
            *known.ok_or(Denied::Unknown("DistributionSetMetadata"))? = value;
            Ok(Response::empty(204))
        }
        ("DELETE", [id, "metadata", key]) => {
            let gone = contents.set_mut(number(id)?)?.metadata.remove(*key);
            gone.ok_or(Denied::Unknown("DistributionSetMetadata"))?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::empty(405)),
    }
}

fn create(store: &mut Store, asked: &Asked<'_>) -> Answer {
    let said = asked.json()?;
    let mut made = vec![];
    for entry in shape::entries(&said)? {
        let modules = entry["modules"].as_array().into_iter().flatten();
        let modules: Option<Vec<u64>> = modules.map(|module| module["id"].as_u64()).collect();
        let set = Set {
            id: 0,
            kind: shape::text(entry, "type")?.to_owned(),
            name: shape::text(entry, "name")?.to_owned(),
            version: shape::text(entry, "version")?.to_owned(),
            description: entry["description"].as_str().map(str::to_owned),
            modules: modules.ok_or_else(unreadable)?,
            metadata: BTreeMap::new(),
            locked: false,
            deleted: false,
            invalid: false,
            created: asked.now,
        };
        made.push(store.contents.add_set(set)?.id);
    }
    let contents = &store.contents;
    // A real server says them in no order: who relies on one is found out.
    let made = made.iter().rev().filter_map(|id| contents.sets.get(id));
    Ok(shape::created(&made.map(|set| shape::set(asked, contents, set)).collect()))
}

/// One set to several devices.
fn assign(store: &mut Store, asked: &Asked<'_>, set: u64) -> Answer {
    let (mut made, mut already) = (vec![], 0);
    for entry in shape::entries(&asked.json()?)? {
        let id = shape::text(entry, "id")?;
        let order = json!({
            "id": set, "type": entry["type"], "forcetime": entry["forcetime"], "weight": entry["weight"],
            "maintenanceWindow": entry["maintenanceWindow"], "confirmationRequired": entry["confirmationRequired"],
        });
        if !store.targets.contains_key(id) {
            continue;
        }
        match store.assign(id, &targets::assignment(&order)?, asked.now)? {
            Some(number) => made.push(json!({
                "id": number,
                "_links": {"self": {"href": format!("{}/rest/v1/targets/{id}/actions/{number}", asked.base)}},
            })),
            None => already += 1,
        }
    }
    Ok(shape::ok(&json!({
        "alreadyAssigned": already, "assigned": made.len(), "total": made.len() + already, "assignedActions": made,
    })))
}

fn targets_of(store: &Store, asked: &Asked<'_>, set: u64, installed: bool) -> Answer {
    store.contents.set(set)?;
    let has = |of: &crate::store::Target| if installed { of.installed } else { of.assigned };
    let known = store.targets.values().filter(|target| has(target) == Some(set));
    Ok(shape::page(asked, known.map(|target| shape::target(asked, store, target)).collect(), false))
}

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

/// A search for modules and sets: some of `name`, `version`, `type` and `id`, each with `==` and joined by `and` or `;`.
pub(super) fn words(search: Option<&str>) -> Result<Vec<(String, String)>, Response> {
    let search = search.unwrap_or_default().replace(" and ", ";").replace(" AND ", ";");
    let parts = search.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once("==").ok_or_else(unreadable)?;
            let key = key.trim().to_lowercase();
            if !["name", "version", "type", "type.key", "id"].contains(&key.as_str()) {
                return Err(unreadable());
            }
            Ok((key, value.trim().trim_matches(['\'', '"']).to_owned()))
        })
        .collect()
}
