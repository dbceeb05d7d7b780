//! Devices, and what they are given.

use super::view::{self, View};
use super::{actions, fields, shape};
use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::{Assignment, Denied, Kind, Store, WEIGHT, Window};
use serde_json::{Value, json};

/// Answers what is asked of devices.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", []) => list(store, asked),
        ("POST", []) => create(store, asked),
        ("GET", [id]) => Ok(shape::ok(&view::target(asked, store, store.target(id)?, View::Alone))),
        ("PUT", [id]) => change(store, asked, id),
        ("DELETE", [id]) => {
            store.delete_target(id)?;
            Ok(Response::empty(204))
        }
        ("GET", [id, "attributes"]) => Ok(shape::ok(&json!(store.target(id)?.attributes))),
        ("GET", [id, "assignedDS"]) => set(store, asked, store.target(id)?.assigned),
        ("GET", [id, "installedDS"]) => set(store, asked, store.target(id)?.installed),
        ("POST", [id, "assignedDS"]) => assign(store, asked, id),
        ("GET", [id, "autoConfirm"]) => auto_confirm(store, asked, id),
        ("POST", [id, "autoConfirm", "activate"]) => {
            let said = if asked.request.body.is_empty() { Value::Null } else { asked.json()? };
            let text = |name: &str| said[name].as_str().map(str::to_owned);
            let initiator = text("initiator").or_else(|| Some("admin".into()));
            store.auto_confirm(id, initiator, text("remark"), asked.now)?;
            Ok(Response::empty(204))
        }
        ("POST", [id, "autoConfirm", "deactivate"]) => {
            store.target_mut(id)?.auto_confirm = None;
            Ok(Response::empty(204))
        }
        ("GET", [id, "metadata"]) => Ok(super::lists::metadata(&store.target(id)?.metadata)),
        ("POST", [id, "metadata"]) => {
            let pairs = super::lists::pairs(&asked.json()?)?;
            store.target_mut(id)?.metadata.extend(pairs);
            Ok(Response::empty(201))
        }
        (_, [id, "actions", rest @ ..]) => actions::of_target(store, asked, method, id, rest),
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}

fn list(store: &Store, asked: &Asked<'_>) -> Answer {
    let found = fields::targets(store, asked.request.parameter("q"))?;
    let all = found.into_iter().map(|target| view::target(asked, store, target, View::Listed)).collect();
    shape::page(asked, all, "id:ASC")
}

fn create(store: &mut Store, asked: &Asked<'_>) -> Answer {
    let said = asked.json()?;
    let mut made = vec![];
    for entry in shape::entries(&said)? {
        let id = shape::text(entry, "controllerId")?;
        if id.chars().count() > 256 || id.contains(char::is_whitespace) {
            return Err(Denied::Invalid("controllerId").into());
        }
        let target = store.add_target(id, entry["securityToken"].as_str(), "unknown", asked.now)?;
        if let Some(name) = entry["name"].as_str() {
            target.name = name.to_owned();
        }
        target.description = entry["description"].as_str().map(str::to_owned);
        made.push(id.to_owned());
    }
    let made: Value = made
        .iter()
        .filter_map(|id| Some(view::target(asked, store, store.targets.get(id)?, View::Listed)))
        .collect();
    Ok(shape::created(&made))
}

fn change(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let said = asked.json()?;
    let target = store.target_mut(id)?;
    if let Some(name) = said["name"].as_str() {
        target.name = name.to_owned();
    }
    if let Some(description) = said["description"].as_str() {
        target.description = Some(description.to_owned());
    }
    if let Some(token) = said["securityToken"].as_str() {
        target.token = token.to_owned();
    }
    // It can be asked for, but not taken back.
    match said["requestAttributes"].as_bool() {
        Some(true) => target.attributes_wanted = true,
        Some(false) => return Err(Denied::Invalid("requestAttributes").into()),
        None => {}
    }
    Ok(shape::ok(&view::target(asked, store, store.target(id)?, View::Alone)))
}

fn set(store: &Store, asked: &Asked<'_>, id: Option<u64>) -> Answer {
    match id.and_then(|id| store.contents.sets.get(&id)) {
        Some(set) => Ok(shape::ok(&view::set(asked, &store.contents, set, View::Alone))),
        None => Ok(Response::empty(204)),
    }
}

fn auto_confirm(store: &Store, asked: &Asked<'_>, id: &str) -> Answer {
    let link =
        |verb: &str| json!({"href": format!("{}/rest/v1/targets/{id}/autoConfirm/{verb}", asked.base)});
    Ok(shape::ok(&match &store.target(id)?.auto_confirm {
        Some((initiator, remark, at)) => json!({
            "active": true, "initiator": initiator, "remark": remark, "activatedAt": at,
            "_links": {"deactivate": link("deactivate")},
        }),
        None => json!({"active": false, "_links": {"activate": link("activate")}}),
    }))
}

fn assign(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let said = asked.json()?;
    let orders = match &said {
        Value::Array(orders) => orders.clone(),
        order => vec![order.clone()],
    };
    store.target(id)?;
    let (mut made, mut already) = (vec![], 0);
    for order in &orders {
        if asked.request.parameter("offline") == Some("true") {
            let set = order["id"].as_u64().ok_or_else(unreadable)?;
            store.contents.set(set)?;
            already += usize::from(!store.installed_offline(id, set, asked.now)?);
            continue;
        }
        match store.assign(id, &assignment(order)?, asked.now)? {
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

/// What an order says: the set, and how it is meant.
pub(super) fn assignment(order: &Value) -> Result<Assignment, Response> {
    let window = match &order["maintenanceWindow"] {
        Value::Null => None,
        said => {
            let word = |name: &str| said[name].as_str().unwrap_or_default();
            let window = Window::new(word("schedule"), word("duration"), word("timezone"));
            Some(window.ok_or(Denied::Invalid("maintenanceWindow"))?)
        }
    };
    Ok(Assignment {
        set: order["id"].as_u64().ok_or_else(unreadable)?,
        kind: kind(&order["type"], &order["forcetime"])?,
        window,
        weight: order["weight"].as_u64().and_then(|weight| weight.try_into().ok()).unwrap_or(WEIGHT),
        confirmation: order["confirmationRequired"].as_bool().unwrap_or(true),
    })
}

/// How an order is meant; forced where nothing is said.
pub(super) fn kind(word: &Value, at: &Value) -> Result<Kind, Response> {
    match word {
        Value::Null => Ok(Kind::Forced),
        Value::String(word) => match word.as_str() {
            "forced" => Ok(Kind::Forced),
            "soft" => Ok(Kind::Soft),
            "timeforced" => Ok(Kind::TimeForced(at.as_u64().unwrap_or(0))),
            "downloadonly" => Ok(Kind::DownloadOnly),
            _ => Err(unreadable()),
        },
        _ => Err(unreadable()),
    }
}
