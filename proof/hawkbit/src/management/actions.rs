//! Orders, as operators see them.

use super::view::{self, View};
use super::{fields, shape};
use crate::answer::{Answer, Asked, Word, unreadable};
use crate::http::Response;
use crate::store::{Denied, Store};
use serde_json::Value;

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of all orders.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", []) => {
            let found = fields::actions(store, store.actions.values(), asked.request.parameter("q"))?;
            let view = View::asked(asked);
            let all = found.into_iter().map(|action| view::action(asked, store, action, view)).collect();
            shape::page(asked, all, "id:DESC")
        }
        ("GET", [id]) => {
            let target = store.action_mut(number(id)?)?.target.clone();
            Ok(shape::ok(&view::action(asked, store, store.action_of(&target, number(id)?)?, View::Alone)))
        }
        ("DELETE", [id]) => {
            store.delete_action(number(id)?)?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
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
            let found = fields::actions(store, store.actions_of(target), asked.request.parameter("q"))?;
            let view = View::asked(asked);
            let all = found.into_iter().map(|action| view::action(asked, store, action, view)).collect();
            shape::page(asked, all, "id:DESC")
        }
        ("GET", [id]) => {
            Ok(shape::ok(&view::action(asked, store, store.action_of(target, number(id)?)?, View::Alone)))
        }
        ("GET", [id, "status"]) => {
            let rows: Vec<Value> = store.action_of(target, number(id)?)?.rows.iter().map(view::row).collect();
            shape::page(asked, rows, "id:DESC")
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
                _ => return Err(Denied::Invalid("forceType").into()),
            }
            Ok(shape::ok(&view::action(asked, store, store.action_of(target, number(id)?)?, View::Alone)))
        }
        ("PUT", [id, "confirmation"]) => {
            store.action_of(target, number(id)?)?;
            let Word { yes, code, details } = asked.word()?;
            store.confirm(number(id)?, yes, code, details, asked.now)?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}
