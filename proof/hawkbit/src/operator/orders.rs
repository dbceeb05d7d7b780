//! Orders to devices, and what was said about them.

use super::{Operator, Said};
use serde_json::{Value, json};

/// How an order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The device has no choice.
    Forced,
    /// As the device sees fit.
    Soft,
    /// As it sees fit until then, in milliseconds since 1970.
    TimeForced(u64),
    /// It is to be fetched, and not installed.
    DownloadOnly,
}

impl Operator {
    /// Orders a device to have a set. Returns the order's number.
    ///
    /// # Panics
    /// As all that follows: if the server does not do it.
    pub fn assign(&self, target: &str, set: u64, kind: Kind) -> u64 {
        self.assign_with(target, set, kind, &json!({}))
    }

    /// Orders a device to have a set within a maintenance window: a schedule as Quartz writes it, a duration (`HH:MM:SS`) and an
    /// offset from UTC (`+00:00`). Returns the order's number.
    pub fn assign_in_window(&self, target: &str, set: u64, kind: Kind, window: (&str, &str, &str)) -> u64 {
        let (schedule, duration, timezone) = window;
        let window = json!({"schedule": schedule, "duration": duration, "timezone": timezone});
        self.assign_with(target, set, kind, &json!({"maintenanceWindow": window}))
    }

    /// Orders a device to have a set, with what else the server is to know. Returns the order's number.
    pub fn assign_with(&self, target: &str, set: u64, kind: Kind, more: &Value) -> u64 {
        let said = self.try_assign(target, set, kind, more);
        assert_eq!(said.status, 200, "{}", said.text);
        said.json()["assignedActions"][0]["id"].as_u64().unwrap_or_else(|| panic!("no order: {}", said.text))
    }

    /// The same, whatever comes of it.
    pub fn try_assign(&self, target: &str, set: u64, kind: Kind, more: &Value) -> Said {
        let (word, time) = match kind {
            Kind::Forced => ("forced", None),
            Kind::Soft => ("soft", None),
            Kind::TimeForced(at) => ("timeforced", Some(at)),
            Kind::DownloadOnly => ("downloadonly", None),
        };
        let mut order = json!({"id": set, "type": word});
        if let Some(time) = time {
            order["forcetime"] = json!(time);
        }
        if let (Some(order), Some(more)) = (order.as_object_mut(), more.as_object()) {
            order.extend(more.clone());
        }
        self.request("POST", &format!("/targets/{target}/assignedDS"), Some(&order))
    }

    /// Asks a device to give an order up.
    pub fn cancel(&self, target: &str, action: u64) {
        self.granted("DELETE", &format!("/targets/{target}/actions/{action}"), None);
    }

    /// Ends an order that is to be canceled without the device.
    pub fn force_quit(&self, target: &str, action: u64) {
        self.granted("DELETE", &format!("/targets/{target}/actions/{action}?force=true"), None);
    }

    /// Turns an order into a forced one.
    pub fn force(&self, target: &str, action: u64) {
        let forced = json!({"forceType": "forced"});
        self.granted("PUT", &format!("/targets/{target}/actions/{action}"), Some(&forced));
    }

    /// An order, as the server shows it: `status` is `running`, `finished`, `error`, `canceled` and the like; `active` says whether it
    /// is open.
    pub fn action(&self, target: &str, action: u64) -> Value {
        self.granted("GET", &format!("/targets/{target}/actions/{action}"), None)
    }

    /// All orders of a device, the oldest first.
    pub fn actions(&self, target: &str) -> Vec<Value> {
        self.list(&format!("/targets/{target}/actions?limit=500&sort=id:ASC"))
    }

    /// The rows of an order, the oldest first: `type` is a state, `messages` a list of text.
    pub fn action_status(&self, target: &str, action: u64) -> Vec<Value> {
        let path = format!("/targets/{target}/actions/{action}/status?limit=500&sort=id:ASC");
        let mut rows = self.list(&path);
        while !rows.is_empty() && rows.len().is_multiple_of(500) {
            let more = self.list(&format!("{path}&offset={}", rows.len()));
            if more.is_empty() {
                break;
            }
            rows.extend(more);
        }
        rows
    }

    /// All messages of an order, the oldest first.
    pub fn messages(&self, target: &str, action: u64) -> Vec<String> {
        let rows = self.action_status(target, action);
        let messages = rows.iter().filter_map(|row| row["messages"].as_array()).flatten();
        messages.filter_map(|message| message.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn list(&self, path: &str) -> Vec<Value> {
        self.granted("GET", path, None)["content"].as_array().cloned().unwrap_or_default()
    }
}
