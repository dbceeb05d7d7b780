//! The forms in which operators get things, and lists of them.

use crate::answer::{Asked, unreadable};
use crate::http::Response;
use crate::store::{Action, Artifact, Contents, MODULE_TYPES, Module, Row, SET_TYPES, Set, Store, Target};
use serde_json::{Value, json};

/// The most entries of a page, and how many there are where nobody has said it.
const MAX_PAGE: usize = 500;
const PAGE: usize = 50;

/// 200 with that.
pub(super) fn ok(value: &Value) -> Response {
    Response::json(200, "application/hal+json", value)
}

/// 201 with that.
pub(super) fn created(value: &Value) -> Response {
    Response::json(201, "application/hal+json", value)
}

/// A page of a list: `sort=FIELD:ASC` or `DESC`, `offset` and `limit`.
pub(super) fn page(asked: &Asked<'_>, mut all: Vec<Value>, descending: bool) -> Response {
    let number = |name: &str, otherwise: usize| {
        asked.request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let sort = asked.request.parameter("sort").map(str::to_ascii_uppercase);
    if sort.map_or(descending, |sort| sort.ends_with(":DESC")) {
        all.reverse();
    }
    let total = all.len();
    let limit = number("limit", PAGE).min(MAX_PAGE);
    let content: Vec<Value> = all.into_iter().skip(number("offset", 0)).take(limit).collect();
    ok(&json!({"total": total, "size": content.len(), "content": content}))
}

/// What a list of things to make holds.
pub(super) fn entries(said: &Value) -> Result<&Vec<Value>, Response> {
    said.as_array().ok_or_else(unreadable)
}

/// Text that must be there.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, Response> {
    value[name].as_str().filter(|text| !text.is_empty()).ok_or_else(unreadable)
}

fn base(created: u64, modified: u64) -> Value {
    json!({"createdBy": "admin", "createdAt": created, "lastModifiedBy": "admin", "lastModifiedAt": modified})
}

fn with(mut value: Value, more: Value) -> Value {
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    value
}

fn link(href: String) -> Value {
    json!({"href": href})
}

/// A device.
pub(super) fn target(asked: &Asked<'_>, store: &Store, target: &Target) -> Value {
    let href = format!("{}/rest/v1/targets/{}", asked.base, target.id);
    let flow = store.configs.on("user.confirmation.flow.enabled");
    with(
        base(target.created, target.created),
        json!({
            "controllerId": target.id,
            "name": target.name,
            "description": target.description,
            "updateStatus": target.status,
            "securityToken": target.token,
            "requestAttributes": target.attributes_wanted,
            "lastControllerRequestAt": target.last_poll,
            "installedAt": target.installed_at,
            "autoConfirmActive": flow.then_some(target.auto_confirm.is_some()),
            "pollStatus": target.last_poll.map(|last| json!({"lastRequestAt": last, "overdue": false})),
            "_links": {
                "self": link(href.clone()),
                "assignedDS": link(format!("{href}/assignedDS")),
                "installedDS": link(format!("{href}/installedDS")),
                "attributes": link(format!("{href}/attributes")),
                "actions": link(format!("{href}/actions?offset=0&limit=50&sort=id:DESC")),
                "metadata": link(format!("{href}/metadata")),
            },
        }),
    )
}

/// An order.
pub(super) fn action(asked: &Asked<'_>, store: &Store, action: &Action) -> Value {
    let rest = format!("{}/rest/v1", asked.base);
    let href = format!("{rest}/targets/{}/actions/{}", action.target, action.id);
    let canceling = action.is_canceling_or_canceled();
    let rollout = action.rollout.and_then(|(rollout, _)| store.rollouts.get(&rollout));
    let set = store.contents.sets.get(&action.set);
    let mut links = json!({
        "self": link(href.clone()),
        "target": {"href": format!("{rest}/targets/{}", action.target), "name": action.target},
        "distributionset": {
            "href": format!("{rest}/distributionsets/{}", action.set),
            "name": set.map(|set| format!("{}:{}", set.name, set.version)),
        },
        "status": link(format!("{href}/status?offset=0&limit=50&sort=id:DESC")),
    });
    if canceling {
        links["canceledaction"] = link(href);
    }
    let force_time = match action.kind {
        crate::store::Kind::TimeForced(at) => Some(at),
        _ => None,
    };
    let window = action.window.as_ref().map(|window| {
        json!({
            "schedule": window.schedule, "duration": window.duration, "timezone": window.timezone,
            "nextStartAt": window.next(asked.now),
        })
    });
    with(
        base(action.created, action.modified),
        json!({
            "id": action.id,
            "type": if canceling { "cancel" } else { "update" },
            "status": action.status.word(),
            "active": action.active,
            "forceType": action.kind.word(),
            "forceTime": force_time,
            "weight": action.weight,
            "lastStatusCode": action.code,
            "rollout": rollout.map(|rollout| rollout.id),
            "rolloutName": rollout.map(|rollout| rollout.name.clone()),
            "maintenanceWindow": window,
            "_links": links,
        }),
    )
}

/// A row of an order.
pub(super) fn row(row: &Row) -> Value {
    with(
        json!({}),
        json!({
            "id": row.id, "type": row.status.word(), "messages": row.messages,
            "timestamp": row.timestamp, "reportedAt": row.reported, "code": row.code,
        }),
    )
}

fn type_name(types: &[(&str, &str)], key: &str) -> String {
    types.iter().find(|(known, _)| *known == key).map_or(String::new(), |(_, name)| (*name).to_owned())
}

/// A software module.
pub(super) fn module(asked: &Asked<'_>, module: &Module) -> Value {
    let href = format!("{}/rest/v1/softwaremodules/{}", asked.base, module.id);
    with(
        base(module.created, module.created),
        json!({
            "id": module.id, "name": module.name, "version": module.version, "type": module.kind,
            "typeName": type_name(MODULE_TYPES, &module.kind), "description": module.description,
            "vendor": module.vendor, "locked": module.locked, "deleted": module.deleted,
            "encrypted": false, "complete": true,
            "_links": {
                "self": link(href.clone()),
                "artifacts": link(format!("{href}/artifacts")),
                "metadata": link(format!("{href}/metadata")),
            },
        }),
    )
}

/// A file of a module.
pub(super) fn artifact(asked: &Asked<'_>, module: u64, artifact: &Artifact) -> Value {
    let href = format!("{}/rest/v1/softwaremodules/{module}/artifacts/{}", asked.base, artifact.id);
    with(
        base(artifact.created, artifact.created),
        json!({
            "id": artifact.id, "size": artifact.bytes.len(), "providedFilename": artifact.name,
            "hashes": {"sha1": artifact.sha1, "md5": artifact.md5, "sha256": artifact.sha256},
            "_links": {"self": link(href.clone()), "download": link(format!("{href}/download"))},
        }),
    )
}

/// A distribution set.
pub(super) fn set(asked: &Asked<'_>, contents: &Contents, set: &Set) -> Value {
    let href = format!("{}/rest/v1/distributionsets/{}", asked.base, set.id);
    let modules = set.modules.iter().filter_map(|id| contents.modules.get(id));
    with(
        base(set.created, set.created),
        json!({
            "id": set.id, "name": set.name, "version": set.version, "type": set.kind,
            "typeName": type_name(SET_TYPES, &set.kind), "description": set.description,
            "locked": set.locked, "deleted": set.deleted, "valid": !set.invalid,
            "complete": contents.is_complete(set), "requiredMigrationStep": false,
            "modules": modules.map(|known| module(asked, known)).collect::<Vec<_>>(),
            "_links": {"self": link(href.clone()), "metadata": link(format!("{href}/metadata"))},
        }),
    )
}
