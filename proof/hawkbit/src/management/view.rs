//! The forms in which operators see things: in a list with a link to themselves and no other, alone with all of them.

use crate::answer::Asked;
use crate::store::{
    Action, Artifact, Contents, Kind, MODULE_TYPES, Module, Row, SET_TYPES, Set, Store, Target,
};
use serde_json::{Value, json};

/// How much of a thing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Listed,
    Alone,
}

impl View {
    /// In lists of orders and rollouts one may ask for all of it.
    pub(super) fn asked(asked: &Asked<'_>) -> Self {
        let full = asked.request.parameter("representation") == Some("full");
        if full { Self::Alone } else { Self::Listed }
    }

    /// With more links, where all of it is shown.
    pub(super) fn links(self, mut value: Value, links: Value) -> Value {
        if self == Self::Alone
            && let (Some(known), Value::Object(links)) = (value["_links"].as_object_mut(), links)
        {
            known.extend(links.into_iter().filter(|(_, link)| !link.is_null()));
        }
        value
    }
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
pub(super) fn target(asked: &Asked<'_>, store: &Store, target: &Target, view: View) -> Value {
    let href = format!("{}/rest/v1/targets/{}", asked.base, target.id);
    let flow = store.configs.on("user.confirmation.flow.enabled");
    let value = with(
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
            "pollStatus": target.last_poll.map(|last| poll_status(asked, store, last)),
            "_links": {"self": link(href.clone())},
        }),
    );
    let more = json!({
        "assignedDS": link(format!("{href}/assignedDS")),
        "installedDS": link(format!("{href}/installedDS")),
        "attributes": link(format!("{href}/attributes")),
        "actions": link(format!("{href}/actions?offset=0&limit=50&sort=id%3ADESC")),
        "metadata": link(format!("{href}/metadata")),
    });
    view.links(value, more)
}

fn poll_status(asked: &Asked<'_>, store: &Store, last: u64) -> Value {
    let milliseconds = |key: &str| {
        let text = store.configs.text(key);
        let parts = text.split(':').filter_map(|part| part.parse::<u64>().ok());
        parts.fold(0, |sum, part| sum * 60 + part) * 1000
    };
    let next = last + milliseconds("pollingTime");
    let overdue = asked.now > next + milliseconds("pollingOverdueTime");
    json!({"lastRequestAt": last, "nextExpectedRequestAt": next, "overdue": overdue})
}

/// An order.
pub(super) fn action(asked: &Asked<'_>, store: &Store, action: &Action, view: View) -> Value {
    let rest = format!("{}/rest/v1", asked.base);
    let href = format!("{rest}/targets/{}/actions/{}", action.target, action.id);
    let canceling = action.is_canceling_or_canceled();
    let rollout = action.rollout.and_then(|(rollout, _)| store.rollouts.get(&rollout));
    let set = store.contents.sets.get(&action.set);
    let more = json!({
        "target": {"href": format!("{rest}/targets/{}", action.target), "name": action.target},
        "distributionset": {
            "href": format!("{rest}/distributionsets/{}", action.set),
            "name": set.map(|set| format!("{}:{}", set.name, set.version)),
        },
        "status": link(format!("{href}/status?offset=0&limit=50&sort=id%3ADESC")),
        "rollout": rollout.map(|rollout| {
            json!({"href": format!("{rest}/rollouts/{}", rollout.id), "name": rollout.name})
        }),
        "canceledaction": canceling.then(|| link(href.clone())),
    });
    let force_time = match action.kind {
        Kind::TimeForced(at) => Some(at),
        _ => None,
    };
    let window = action.window.as_ref().map(|window| {
        json!({
            "schedule": window.schedule, "duration": window.duration, "timezone": window.timezone,
            "nextStartAt": window.next(asked.now),
        })
    });
    let value = with(
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
            "_links": {"self": link(href)},
        }),
    );
    view.links(value, more)
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

fn type_number(types: &[(&str, &str)], key: &str) -> usize {
    types.iter().position(|(known, _)| *known == key).map_or(0, |at| at + 1)
}

fn type_name(types: &[(&str, &str)], key: &str) -> String {
    types.iter().find(|(known, _)| *known == key).map_or(String::new(), |(_, name)| (*name).to_owned())
}

/// A software module.
pub(super) fn module(asked: &Asked<'_>, module: &Module, view: View) -> Value {
    let href = format!("{}/rest/v1/softwaremodules/{}", asked.base, module.id);
    let value = with(
        base(module.created, module.created),
        json!({
            "id": module.id, "name": module.name, "version": module.version, "type": module.kind,
            "typeName": type_name(MODULE_TYPES, &module.kind), "description": module.description,
            "vendor": module.vendor, "locked": module.locked, "deleted": module.deleted,
            "encrypted": false, "complete": true,
            "_links": {"self": link(href.clone())},
        }),
    );
    let kind = type_number(MODULE_TYPES, &module.kind);
    let more = json!({
        "artifacts": link(format!("{href}/artifacts")),
        "metadata": link(format!("{href}/metadata")),
        "type": link(format!("{}/rest/v1/softwaremoduletypes/{kind}", asked.base)),
    });
    view.links(value, more)
}

/// A file of a module.
pub(super) fn artifact(asked: &Asked<'_>, module: u64, artifact: &Artifact, view: View) -> Value {
    let href = format!("{}/rest/v1/softwaremodules/{module}/artifacts/{}", asked.base, artifact.id);
    let value = with(
        base(artifact.created, artifact.created),
        json!({
            "id": artifact.id, "size": artifact.bytes.len(), "providedFilename": artifact.name,
            "hashes": {"sha1": artifact.sha1, "md5": artifact.md5, "sha256": artifact.sha256},
            "_links": {"self": link(href.clone())},
        }),
    );
    view.links(value, json!({"download": link(format!("{href}/download"))}))
}

/// A distribution set.
pub(super) fn set(asked: &Asked<'_>, contents: &Contents, set: &Set, view: View) -> Value {
    let href = format!("{}/rest/v1/distributionsets/{}", asked.base, set.id);
    let modules = set.modules.iter().filter_map(|id| contents.modules.get(id));
    let value = with(
        base(set.created, set.created),
        json!({
            "id": set.id, "name": set.name, "version": set.version, "type": set.kind,
            "typeName": type_name(SET_TYPES, &set.kind), "description": set.description,
            "locked": set.locked, "deleted": set.deleted, "valid": !set.invalid,
            "complete": contents.is_complete(set), "requiredMigrationStep": false,
            "modules": modules.map(|known| module(asked, known, View::Listed)).collect::<Vec<_>>(),
            "_links": {"self": link(href.clone())},
        }),
    );
    let kind = type_number(SET_TYPES, &set.kind);
    let more = json!({
        "metadata": link(format!("{href}/metadata")),
        "modules": link(format!("{href}/assignedSM?offset=0&limit=50")),
        "type": link(format!("{}/rest/v1/distributionsettypes/{kind}", asked.base)),
    });
    view.links(value, more)
}
