//! Rollouts, as operators see them.

use super::view::{self, View};
use super::{fields, shape, targets};
use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::{Count, Denied, Group, Kind, Rollout, RolloutStatus, Store, WEIGHT};
use serde_json::{Value, json};

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of rollouts.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", []) => {
            let known = store.rollouts.values().filter(|rollout| rollout.status != RolloutStatus::Deleted);
            let found = fields::rollouts(store, known, asked.request.parameter("q"))?;
            let view = View::asked(asked);
            let all = found.into_iter().map(|rollout| shown(store, asked, rollout, view)).collect();
            shape::page(asked, all, "id:ASC")
        }
        ("POST", []) => create(store, asked),
        ("GET", [id]) => Ok(shape::ok(&shown(store, asked, store.rollout(number(id)?)?, View::Alone))),
        ("DELETE", [id]) => {
            store.end_rollout(number(id)?, true, asked.now)?;
            Ok(Response::empty(204))
        }
        ("POST", [id, verb @ ("start" | "pause" | "resume" | "stop" | "triggerNextGroup")]) => {
            turn(store, asked, number(id)?, verb)
        }
        ("GET", [id, "deploygroups"]) => {
            let rollout = store.rollout(number(id)?)?;
            let view = View::asked(asked);
            let groups = rollout.groups.iter().map(|group| group_shown(store, asked, rollout, group, view));
            shape::page(asked, groups.collect(), "id:ASC")
        }
        ("GET", [id, "deploygroups", group]) => {
            let rollout = store.rollout(number(id)?)?;
            Ok(shape::ok(&group_shown(store, asked, rollout, found(rollout, number(group)?)?, View::Alone)))
        }
        ("GET", [id, "deploygroups", group, "targets"]) => {
            let group = found(store.rollout(number(id)?)?, number(group)?)?;
            let targets = group.targets.iter().filter_map(|id| store.targets.get(id));
            let all = targets.map(|target| view::target(asked, store, target, View::Listed)).collect();
            shape::page(asked, all, "id:ASC")
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}

fn found(rollout: &Rollout, id: u64) -> Result<&Group, Denied> {
    rollout.groups.iter().find(|group| group.id == id).ok_or(Denied::Unknown("RolloutGroup"))
}

fn turn(store: &mut Store, asked: &Asked<'_>, id: u64, verb: &str) -> Answer {
    use RolloutStatus::{Creating, Paused, Ready, Running, Starting};
    match verb {
        "start" => store.turn_rollout(id, &[Ready], Starting)?,
        "pause" => store.turn_rollout(id, &[Running], Paused)?,
        "resume" => store.turn_rollout(id, &[Paused], Running)?,
        "stop" => {
            store.turn_rollout(id, &[Creating, Ready, Starting, Running, Paused], Paused)?;
            store.end_rollout(id, false, asked.now)?;
        }
        _ => {
            if store.rollout(id)?.status != Running {
                return Err(Denied::WrongState.into());
            }
            store.begin_next(id, asked.now)?;
        }
    }
    Ok(Response::empty(204))
}

fn create(store: &mut Store, asked: &Asked<'_>) -> Answer {
    let said = asked.json()?;
    // Groups of their own, and such as are filled while the rollout runs, are more than the double can do.
    if !said["groups"].is_null() || said["dynamic"] == true {
        return Err(Response::framework(501, "Not Implemented"));
    }
    let search = shape::text(&said, "targetFilterQuery")?;
    let targets = fields::targets(store, Some(search))?.into_iter().map(|target| target.id.clone()).collect();
    let threshold = |name: &str| -> Result<Option<u32>, Response> {
        let condition = &said[name];
        let text = condition["expression"].as_str().unwrap_or_default();
        match &condition["condition"] {
            Value::Null => Ok(None),
            known if known == "THRESHOLD" => {
                Ok(Some(text.parse().map_err(|_| Denied::Invalid("expression"))?))
            }
            _ => Err(unreadable()),
        }
    };
    let rollout = Rollout {
        id: 0,
        name: shape::text(&said, "name")?.to_owned(),
        description: said["description"].as_str().map(str::to_owned),
        search: search.to_owned(),
        set: said["distributionSetId"].as_u64().ok_or_else(unreadable)?,
        kind: targets::kind(&said["type"], &said["forcetime"])?,
        weight: said["weight"].as_u64().and_then(|weight| weight.try_into().ok()).unwrap_or(WEIGHT),
        confirmation: said["confirmationRequired"].as_bool().unwrap_or(true),
        success: threshold("successCondition")?.unwrap_or(50),
        error: threshold("errorCondition")?,
        status: RolloutStatus::Creating,
        start_at: said["startAt"].as_u64(),
        groups: vec![],
        created: asked.now,
    };
    let amount = match &said["amountGroups"] {
        Value::Null => Some(1),
        amount => amount.as_u64().and_then(|amount| usize::try_from(amount).ok()),
    };
    let amount = amount.filter(|amount| (1..=500).contains(amount)).ok_or(Denied::Invalid("amountGroups"))?;
    let id = store.add_rollout(rollout, targets, amount)?;
    Ok(shape::created(&shown(store, asked, store.rollout(id)?, View::Alone)))
}

fn counted(count: Count) -> Value {
    json!({
        "notstarted": count.not_started, "scheduled": count.scheduled, "running": count.running, "error": count.error,
        "finished": count.finished, "cancelled": count.canceled,
    })
}

fn shown(store: &Store, asked: &Asked<'_>, rollout: &Rollout, view: View) -> Value {
    let href = format!("{}/rest/v1/rollouts/{}", asked.base, rollout.id);
    let force_time = match rollout.kind {
        Kind::TimeForced(at) => at,
        _ => 0,
    };
    let mut value = json!({
        "id": rollout.id, "name": rollout.name, "targetFilterQuery": rollout.search,
        "distributionSetId": rollout.set, "status": rollout.status.word(), "type": rollout.kind.word(),
        "forcetime": force_time, "weight": rollout.weight, "dynamic": false,
        "totalTargets": rollout.groups.iter().map(|group| group.targets.len()).sum::<usize>(),
        "deleted": rollout.status == RolloutStatus::Deleted,
        "createdBy": "admin", "createdAt": rollout.created, "lastModifiedBy": "admin",
        "lastModifiedAt": rollout.created, "_links": {"self": {"href": href}},
    });
    if let Some(description) = &rollout.description {
        value["description"] = json!(description);
    }
    if view == View::Alone {
        let mut all = Count::default();
        for group in &rollout.groups {
            all.add(store.count(rollout, group));
        }
        value["totalTargetsPerStatus"] = counted(all);
        value["totalGroups"] = json!(rollout.groups.len());
        if let Some(at) = rollout.start_at {
            value["startAt"] = json!(at);
        }
    }
    let link = |verb: &str| json!({"href": format!("{href}/{verb}")});
    let set = store.contents.sets.get(&rollout.set).map(|set| format!("{}:{}", set.name, set.version));
    let set =
        json!({"href": format!("{}/rest/v1/distributionsets/{}", asked.base, rollout.set), "name": set});
    let more = json!({
        "start": link("start"), "pause": link("pause"), "resume": link("resume"), "approve": link("approve"),
        "deny": link("deny"), "triggerNextGroup": link("triggerNextGroup"),
        "groups": link("deploygroups?offset=0&limit=50"), "distributionset": set,
    });
    view.links(value, more)
}

fn group_shown(store: &Store, asked: &Asked<'_>, rollout: &Rollout, group: &Group, view: View) -> Value {
    let href = format!("{}/rest/v1/rollouts/{}/deploygroups/{}", asked.base, rollout.id, group.id);
    let threshold = |per_cent: u32| json!({"condition": "THRESHOLD", "expression": per_cent.to_string()});
    let number = rollout.groups.iter().position(|known| known.id == group.id).unwrap_or(0);
    let mut value = json!({
        "id": group.id, "name": group.name, "description": group.name, "status": group.status.word(),
        "totalTargets": group.targets.len(), "targetFilterQuery": "", "dynamic": false,
        // Of those that the groups before it have left.
        "targetPercentage": 100.0 / (rollout.groups.len() - number) as f64,
        "successCondition": threshold(rollout.success), "successAction": {"action": "NEXTGROUP", "expression": ""},
        "errorCondition": rollout.error.map(threshold), "errorAction": {"action": "PAUSE", "expression": ""},
        "createdBy": "admin", "createdAt": rollout.created, "lastModifiedBy": "admin",
        "lastModifiedAt": rollout.created, "_links": {"self": {"href": href}},
    });
    if view == View::Alone {
        value["totalTargetsPerStatus"] = counted(store.count(rollout, group));
    }
    value
}
