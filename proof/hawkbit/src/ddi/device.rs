//! What a device tells of itself.

use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::{Denied, Mode, Store};
use serde_json::Value;
use std::collections::BTreeMap;

/// Takes a device's attributes.
pub(super) fn config_data(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let said = asked.json()?;
    let mode = match &said["mode"] {
        Value::Null => Mode::Merge,
        Value::String(word) => match word.as_str() {
            "merge" => Mode::Merge,
            "replace" => Mode::Replace,
            "remove" => Mode::Remove,
            _ => return Err(unreadable()),
        },
        _ => return Err(unreadable()),
    };
    let data = said["data"].as_object().ok_or_else(unreadable)?;
    let mut attributes = BTreeMap::new();
    for (key, value) in data {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            Value::Array(_) | Value::Object(_) => return Err(unreadable()),
        };
        attributes.insert(key.clone(), value);
    }
    store.set_attributes(id, mode, &attributes)?;
    Ok(Response::empty(200))
}

/// Takes what a device has been given without an order.
pub(super) fn installed_base(store: &mut Store, asked: &Asked<'_>, id: &str) -> Answer {
    let said = asked.json()?;
    let (Some(name), Some(version)) = (said["name"].as_str(), said["version"].as_str()) else {
        return Err(unreadable());
    };
    let mut sets = store.contents.sets.values();
    let set = sets.find(|set| !set.deleted && (set.name.as_str(), set.version.as_str()) == (name, version));
    let set = set.ok_or(Denied::Unknown("DistributionSet"))?.id;
    let news = store.installed_offline(id, set, asked.now)?;
    Ok(Response::empty(if news { 201 } else { 200 }))
}
