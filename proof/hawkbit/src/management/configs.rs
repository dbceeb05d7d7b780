//! The tenant's settings.

use super::shape;
use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::Store;
use serde_json::{Map, Value, json};

/// Answers what is asked of settings.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    let configs = &mut store.configs;
    let shown = |(value, global): (Value, bool)| json!({"value": value, "global": global});
    match (method, parts) {
        ("GET", [key]) => Ok(shape::ok(&shown(configs.get(key).ok_or_else(unreadable)?))),
        ("GET", []) => {
            let all = configs.keys().filter_map(|key| Some((key.to_owned(), shown(configs.get(key)?))));
            Ok(shape::ok(&Value::Object(all.collect::<Map<_, _>>())))
        }
        ("PUT", [key]) => {
            let value = asked.json()?["value"].clone();
            if configs.set(key, value) { Ok(Response::empty(204)) } else { Err(unreadable()) }
        }
        ("DELETE", [key]) => {
            configs.reset(key);
            Ok(Response::empty(204))
        }
        _ => Err(Response::empty(405)),
    }
}
