//! The tenant's settings.

use super::shape;
use crate::answer::{Answer, Asked};
use crate::http::Response;
use crate::store::{Denied, Store};
use serde_json::{Map, Value, json};

/// Answers what is asked of settings.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    let configs = &mut store.configs;
    let shown = |(value, global): (Value, bool)| json!({"value": value, "global": global});
    match (method, parts) {
        ("GET", [key]) => Ok(shape::ok(&shown(configs.get(key).ok_or(Denied::Invalid("key"))?))),
        ("GET", []) => {
            let all = configs.keys().filter_map(|key| Some((key.to_owned(), shown(configs.get(key)?))));
            Ok(shape::ok(&Value::Object(all.collect::<Map<_, _>>())))
        }
        ("PUT", [key]) => {
            let value = asked.json()?["value"].clone();
            configs.get(key).ok_or(Denied::Invalid("key"))?;
            if !configs.set(key, value) {
                return Err(Denied::Invalid("value").into());
            }
            Ok(Response::empty(204))
        }
        ("DELETE", [key]) => {
            configs.reset(key);
            Ok(Response::empty(204))
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}
