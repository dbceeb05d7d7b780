//! Orders, as operators see them.

use super::shape;
use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::Store;
use serde_json::Value;

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of all orders.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", []) => {
            let all = store.actions.values().map(|action| shape::action(asked, store, action)).collect();
            Ok(shape::page(asked, all, false))
        }
        ("GET", [id]) => {
            let target = store.action_mut(number(id)?)?.target.clone();
            Ok(shape::ok(&shape::action(asked, store, store.action_of(&target, number(id)?)?)))
        }
        ("DELETE", [id]) => {
            store.delete_action(number(id)?)?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::empty(405)),
    }
}

/// Answers what is asked of one device's orders.
pub(super) fn of_target(
    store: &mut Store,
    asked: &Asked<'_>,
    method: &str,
    target: &str,
    parts: &[&str],
) -> Answer {
    match (method, parts) {
        ("GET", []) => {
            let target = store.target(target)?;
            let all = store.actions_of(target).map(|action| shape::action(asked, store, action)).collect();
            Ok(shape::page(asked, all, false))
        }
        ("GET", [id]) => Ok(shape::ok(&shape::action(asked, store, store.action_of(target, number(id)?)?))),
        ("GET", [id, "status"]) => {
            let rows: Vec<Value> =
                store.action_of(target, number(id)?)?.rows.iter().map(shape::row).collect();
            Ok(shape::page(asked, rows, true))
        }
        ("DELETE", [id]) => {
            store.action_of(target, number(id)?)?;
            if asked.request.parameter("force") == Some("true") {
                store.force_quit(number(id)?, asked.now)?;
            } else {
                store.cancel(number(id)?, asked.now)?;
            }
            Ok(Response::empty(204))
        }
        ("PUT", [id]) => {
            store.action_of(target, number(id)?)?;
            match asked.json()?["forceType"].as_str() {
                Some("forced") => store.force(number(id)?, asked.now)?,
                _ => return Err(unreadable()),
            }
            Ok(shape::ok(&shape::action(asked, store, store.action_of(target, number(id)?)?)))
        }
        ("PUT", [id, "confirmation"]) => {
            store.action_of(target, number(id)?)?;
            let said = asked.json()?;
            let yes = match said["confirmation"].as_str() {
                Some("confirmed") => true,
                Some("denied") => false,
                _ => return Err(unreadable()),
            };
            let details = said["details"].as_array().into_iter().flatten();
            let details = details.filter_map(|text| text.as_str().map(str::to_owned)).collect();
            store.confirm(number(id)?, yes, said["code"].as_i64(), details, asked.now)?;
            Ok(Response::empty(200))
        }
        _ => Err(Response::empty(405)),
    }
}
