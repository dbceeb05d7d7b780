//! Distribution sets, and what is written to them.

use super::lists::{metadata, pairs};
use super::view::{self, View};
use super::{fields, shape, targets};
use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::{Denied, Set, Store};
use serde_json::json;
use std::collections::BTreeMap;

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of distribution sets.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    let contents = &mut store.contents;
    match (method, parts) {
        ("GET", []) => {
            let found = fields::sets(store, asked.request.parameter("q"))?;
            let contents = &store.contents;
            let all = found.into_iter().map(|set| view::set(asked, contents, set, View::Listed)).collect();
            shape::page(asked, all, "id:ASC")
        }
        ("POST", []) => create(store, asked),
        ("GET", [id]) => {
            // One that was deleted can still be seen.
            let set = contents.sets.get(&number(id)?).ok_or(Denied::Unknown("DistributionSet"))?;
            Ok(shape::ok(&view::set(asked, contents, set, View::Alone)))
        }
        ("DELETE", [id]) => {
            contents.delete_set(number(id)?)?;
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
            let all = modules.map(|module| view::module(asked, module, View::Listed)).collect();
            shape::page(asked, all, "id:ASC")
        }
        ("POST", [id, "assignedSM"]) => {
            let said = asked.json()?;
            let more: Option<Vec<u64>> =
                shape::entries(&said)?.iter().map(|one| one["id"].as_u64()).collect();
            let set = contents.set_mut(number(id)?)?;
            if set.locked {
                return Err(Denied::Locked.into());
            }
            set.modules.extend(more.ok_or_else(unreadable)?);
            Ok(Response::empty(200))
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
            let pair = json!({"key": key, "value": value});
            Ok(Response::json(200, "application/json;charset=UTF-8", &pair))
        }
        ("PUT", [id, "metadata", key]) => {
            let value = shape::text(&asked.json()?, "value")?.to_owned();
            contents.set_mut(number(id)?)?.metadata.insert((*key).to_owned(), value);
            Ok(Response::empty(204))
        }
        ("DELETE", [id, "metadata", key]) => {
            let gone = contents.set_mut(number(id)?)?.metadata.remove(*key);
            gone.ok_or(Denied::Unknown("DistributionSetMetadata"))?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
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
            kind: entry["type"].as_str().unwrap_or("os").to_owned(),
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
    Ok(shape::created(&made.map(|set| view::set(asked, contents, set, View::Listed)).collect()))
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
    let all = known.map(|target| view::target(asked, store, target, View::Listed)).collect();
    shape::page(asked, all, "id:ASC")
}
