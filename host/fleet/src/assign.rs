//! A release for devices that are named, and an order taken back.

use crate::model::{Action, Assignment, Target};
use crate::order::Order;
use crate::query::{any_of, encode};
use crate::{Client, Error, Set};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How many devices one request is for.
const AT_ONCE: usize = 500;

/// What an assignment came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The devices with the numbers of their new actions.
    pub actions: Vec<(String, u64)>,
    /// The devices that had the release already, as an order or installed.
    pub already: Vec<String>,
}

/// Gives a release to devices. An error: hawkBit passes over devices that it does not know without a word, so that it is asked
/// first, and then none of them gets anything.
pub fn assign(
    client: &Client,
    set: &Set,
    devices: &BTreeSet<String>,
    order: &Order,
) -> Result<Assigned, Error> {
    let doing = format!("assigning {} {}", set.name, set.version);
    let unknown = unknown(client, devices)?;
    if !unknown.is_empty() {
        let problem = format!("the server does not know {}; nothing was assigned", unknown.join(", "));
        return Err(Error::Input { what: doing, problem });
    }
    let mut assigned = Assigned::default();
    let devices: Vec<&String> = devices.iter().collect();
    for some in devices.chunks(AT_ONCE) {
        let one = |device: &&String| {
            let mut body = Map::from_iter([("id".to_owned(), Value::from(device.as_str()))]);
            order.write(&mut body);
            Value::Object(body)
        };
        let body = some.iter().map(one).collect();
        let path = format!("/distributionsets/{}/assignedTargets", set.id);
        let made: Assignment = client.post(&doing, &path, &body)?;
        let device = |action: &crate::model::Assigned| Some((action.device()?, action.id));
        let actions: Vec<_> = made.assigned_actions.iter().filter_map(device).collect();
        let has_none = |name: &&&String| !actions.iter().any(|(device, _)| device == **name);
        assigned.already.extend(some.iter().filter(has_none).map(|name| (*name).clone()));
        assigned.actions.extend(actions);
    }
    Ok(assigned)
}

/// Returns the devices that the server does not know.
fn unknown<'a>(client: &Client, devices: &'a BTreeSet<String>) -> Result<Vec<&'a str>, Error> {
    let mut known = BTreeSet::new();
    for query in any_of("controllerId", devices.iter().map(String::as_str)) {
        let path = format!("/targets?q={}&sort=ID:ASC", encode(&query));
        let targets: Vec<Target> = client.list("looking for the devices", &path)?;
        known.extend(targets.into_iter().map(|target| target.controller_id));
    }
    Ok(devices.iter().filter(|device| !known.contains(*device)).map(String::as_str).collect())
}

/// Whether a device is asked whether it can still turn back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It is, and may refuse.
    Asking,
    /// The server forgets the order at once; what the device does with it is its own affair.
    Forgetting,
}

/// Takes back all orders of a device that are open. Returns the numbers of their actions.
pub fn cancel(client: &Client, device: &str, how: Cancel) -> Result<Vec<u64>, Error> {
    let doing = format!("canceling what {device} was told");
    let path = format!("/targets/{}/actions", encode(device));
    let query = encode("active==true");
    let open: Vec<Action> = client.list(&doing, &format!("{path}?q={query}&sort=ID:ASC"))?;
    let mut canceled = Vec::new();
    for action in open.iter().filter(|action| action.active) {
        let is_asked = action.status == "canceling";
        let path = format!("{path}/{}", action.id);
        if !is_asked {
            client.delete(&doing, &path)?;
        }
        if how == Cancel::Forgetting {
            client.delete(&doing, &format!("{path}?force=true"))?;
        }
        if !is_asked || how == Cancel::Forgetting {
            canceled.push(action.id);
        }
    }
    Ok(canceled)
}
