//! Orders as devices read them.

use super::poll::{expire, home};
use super::{artifact, shape};
use crate::answer::{Answer, Asked};
use crate::http::Response;
use crate::store::{Action, Kind, Store};
use serde_json::{Value, json};

/// The most messages of an order's history.
const MAX_HISTORY: usize = 100;

/// An order that is to be carried out. Reading it takes it up: also one that is finished.
pub(super) fn deployment(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    store.action_of(id, number)?;
    expire(store, number, asked.now);
    let action = store.action_of(id, number)?;
    if action.is_canceling_or_canceled() || action.waits() {
        return Err(Response::empty(404));
    }
    let value = order(store, asked, action, "deployment");
    store.retrieved(number, "the device has read the order", asked.now);
    shape::answer(asked, &value)
}

/// An order that is over.
pub(super) fn installed(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    let action = store.action_of(id, number)?;
    if action.active || action.is_canceling_or_canceled() {
        return Err(Response::empty(404));
    }
    shape::answer(asked, &order(store, asked, action, "deployment"))
}

/// An order that waits for a yes.
pub(super) fn confirmation(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    store.action_of(id, number)?;
    expire(store, number, asked.now);
    let action = store.action_of(id, number)?;
    if !action.waits() {
        return Err(Response::empty(404));
    }
    shape::answer(asked, &order(store, asked, action, "confirmation"))
}

/// An order that is to be given up.
pub(super) fn cancel(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    if !store.action_of(id, number)?.is_canceling_or_canceled() {
        return Err(Response::empty(404));
    }
    store.retrieved(number, "the device has read the cancellation", asked.now);
    let text = number.to_string();
    shape::answer(asked, &json!({"id": text, "cancelAction": {"stopId": text}}))
}

fn order(store: &Store, asked: &Asked<'_>, action: &Action, what: &str) -> Value {
    let open = action.window.as_ref().map(|window| window.is_open(asked.now));
    let forced = action.kind == Kind::DownloadOnly || action.kind.is_forced(asked.now);
    let download = if forced { "forced" } else { "attempt" };
    let update = if action.kind == Kind::DownloadOnly || open == Some(false) { "skip" } else { download };
    let mut order = json!({"download": download, "update": update, "chunks": chunks(store, asked, action)});
    if let Some(open) = open {
        order["maintenanceWindow"] = json!(if open { "available" } else { "unavailable" });
    }
    let mut value = json!({"id": action.id.to_string(), what: order});
    let most = match asked.request.parameter("actionHistory").and_then(|text| text.parse::<i64>().ok()) {
        None | Some(0) => 0,
        Some(most) => usize::try_from(most).unwrap_or(MAX_HISTORY).min(MAX_HISTORY),
    };
    let messages = action.history(most);
    if !messages.is_empty() {
        value["actionHistory"] = json!({"status": action.status.word().to_uppercase(), "messages": messages});
    }
    value
}

fn chunks(store: &Store, asked: &Asked<'_>, action: &Action) -> Vec<Value> {
    let Some(set) = store.contents.sets.get(&action.set) else { return vec![] };
    let modules = set.modules.iter().filter_map(|id| store.contents.modules.get(id));
    let home = home(asked, &action.target);
    modules
        .map(|module| {
            // hawkBit's own names from long ago.
            let part = if module.kind == "application" { "bApp" } else { &module.kind };
            let artifacts: Vec<Value> = module
                .artifacts
                .iter()
                .map(|artifact| artifact::described(&home, module.id, artifact))
                .collect();
            let mut chunk = json!({
                "part": part, "version": module.version, "name": module.name, "artifacts": artifacts,
            });
            let visible = module.metadata.iter().filter(|(_, (_, visible))| *visible);
            let metadata: Vec<Value> =
                visible.map(|(key, (value, _))| json!({"key": key, "value": value})).collect();
            if !metadata.is_empty() {
                chunk["metadata"] = json!(metadata);
            }
            chunk
        })
        .collect()
}
