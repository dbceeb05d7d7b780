//! What things can be searched by.

use crate::filter::Filter;
use crate::store::{Action, Denied, Module, Rollout, Set, Status, Store, Target};

const TARGET: &[&str] = &[
    "id",
    "controllerid",
    "name",
    "description",
    "updatestatus",
    "assignedds.name",
    "assignedds.version",
    "installedds.name",
    "installedds.version",
    "createdat",
    "lastcontrollerrequestat",
    "attribute.",
    "metadata.",
];
const ACTION: &[&str] = &[
    "id",
    "status",
    "active",
    "weight",
    "laststatuscode",
    "target.id",
    "target.controllerid",
    "target.name",
    "target.updatestatus",
    "distributionset.id",
    "distributionset.name",
    "distributionset.version",
    "rollout.id",
    "rollout.name",
    "rolloutgroup.id",
];
const CONTENT: &[&str] = &["id", "name", "version", "description", "type", "type.key", "type.name"];
const ROLLOUT: &[&str] = &[
    "id",
    "name",
    "description",
    "status",
    "distributionset.id",
    "distributionset.name",
    "distributionset.version",
];

/// The devices that a search finds, the oldest first.
pub(super) fn targets<'s>(store: &'s Store, search: Option<&str>) -> Result<Vec<&'s Target>, Denied> {
    let filter = Filter::asked(search, TARGET)?;
    let mut found: Vec<&Target> = store
        .targets
        .values()
        .filter(|target| filter.holds(&|field| of_target(store, target, field)))
        .collect();
    found.sort_by_key(|target| target.number);
    Ok(found)
}

/// The orders that a search finds.
pub(super) fn actions<'s>(
    store: &'s Store,
    among: impl Iterator<Item = &'s Action>,
    search: Option<&str>,
) -> Result<Vec<&'s Action>, Denied> {
    let filter = Filter::asked(search, ACTION)?;
    let is_state = |word: &str| Status::ALL.iter().any(|state| state.word().eq_ignore_ascii_case(word));
    if !filter.values_of("status").iter().all(|word| is_state(word)) {
        return Err(Denied::Invalid("search"));
    }
    Ok(among.filter(|action| filter.holds(&|field| of_action(store, action, field))).collect())
}

/// The modules that a search finds.
pub(super) fn modules<'s>(store: &'s Store, search: Option<&str>) -> Result<Vec<&'s Module>, Denied> {
    let filter = Filter::asked(search, CONTENT)?;
    let known = store.contents.modules.values().filter(|module| !module.deleted);
    let value = |module: &Module, field: &str| match field {
        "id" => Some(module.id.to_string()),
        "name" => Some(module.name.clone()),
        "version" => Some(module.version.clone()),
        "description" => module.description.clone(),
        _ => Some(module.kind.clone()),
    };
    Ok(known.filter(|module| filter.holds(&|field| value(module, field))).collect())
}

/// The sets that a search finds.
pub(super) fn sets<'s>(store: &'s Store, search: Option<&str>) -> Result<Vec<&'s Set>, Denied> {
    let filter = Filter::asked(search, CONTENT)?;
    let known = store.contents.sets.values().filter(|set| !set.deleted);
    let value = |set: &Set, field: &str| match field {
        "id" => Some(set.id.to_string()),
        "name" => Some(set.name.clone()),
        "version" => Some(set.version.clone()),
        "description" => set.description.clone(),
        _ => Some(set.kind.clone()),
    };
    Ok(known.filter(|set| filter.holds(&|field| value(set, field))).collect())
}

/// The rollouts that a search finds.
pub(super) fn rollouts<'s>(
    store: &'s Store,
    among: impl Iterator<Item = &'s Rollout>,
    search: Option<&str>,
) -> Result<Vec<&'s Rollout>, Denied> {
    let filter = Filter::asked(search, ROLLOUT)?;
    let value = |rollout: &Rollout, field: &str| match field {
        "id" => Some(rollout.id.to_string()),
        "name" => Some(rollout.name.clone()),
        "description" => rollout.description.clone(),
        "status" => Some(rollout.status.word().to_owned()),
        "distributionset.id" => Some(rollout.set.to_string()),
        other => of_set(store, Some(rollout.set), other),
    };
    Ok(among.filter(|rollout| filter.holds(&|field| value(rollout, field))).collect())
}

fn of_set(store: &Store, set: Option<u64>, field: &str) -> Option<String> {
    let set = store.contents.sets.get(&set?)?;
    Some(if field.ends_with("name") { set.name.clone() } else { set.version.clone() })
}

fn of_target(store: &Store, target: &Target, field: &str) -> Option<String> {
    if let Some(key) = field.strip_prefix("attribute.") {
        return target.attributes.get(key).cloned();
    }
    if let Some(key) = field.strip_prefix("metadata.") {
        return target.metadata.get(key).cloned();
    }
    match field {
        "id" | "controllerid" => Some(target.id.clone()),
        "name" => Some(target.name.clone()),
        "description" => target.description.clone(),
        "updatestatus" => Some(target.status.to_owned()),
        "createdat" => Some(target.created.to_string()),
        "lastcontrollerrequestat" => target.last_poll.map(|at| at.to_string()),
        other if other.starts_with("assigned") => of_set(store, target.assigned, other),
        other => of_set(store, target.installed, other),
    }
}

fn of_action(store: &Store, action: &Action, field: &str) -> Option<String> {
    if let Some(field) = field.strip_prefix("target.") {
        return of_target(store, store.targets.get(&action.target)?, field);
    }
    match field {
        "id" => Some(action.id.to_string()),
        "status" => Some(action.status.word().to_owned()),
        "active" => Some(action.active.to_string()),
        "weight" => Some(action.weight.to_string()),
        "laststatuscode" => action.code.map(|code| code.to_string()),
        "distributionset.id" => Some(action.set.to_string()),
        "rollout.id" => action.rollout.map(|(rollout, _)| rollout.to_string()),
        "rolloutgroup.id" => action.rollout.map(|(_, group)| group.to_string()),
        "rollout.name" => store.rollouts.get(&action.rollout?.0).map(|rollout| rollout.name.clone()),
        other => of_set(store, Some(action.set), other),
    }
}
