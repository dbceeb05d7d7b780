//! What became of each device.
//!
//! hawkBit lists devices and actions 500 at a time, and finds devices by the value of an attribute. It has no list of attributes,
//! and no list of messages over several actions. So one request is made for 500 devices; about one for each 200 for their actions;
//! for the attributes two for each version and set that runs somewhere, and one more for each 500 devices; and for messages one for
//! each device that they are asked for.

use crate::model::{Action, Page, Report, Target};
use crate::query::{all, any_of, encode, equals, is_exact, within};
use crate::{Client, Error, Watch};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The attributes that say what runs.
const RUNNING: [&str; 2] = ["version", "set"];

/// Of which devices the last message is asked for, with a request each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// Of none.
    None,
    /// Of those whose action has not ended well.
    Unfinished,
    /// Of all that have an action.
    All,
}

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub device: String,
    /// Whether it has what it was told, in hawkBit's words.
    pub state: String,
    /// The order that is open, or else its newest one.
    pub action: Option<Told>,
    /// The last message of that action.
    pub message: Option<String>,
    /// What runs: what the device has said of it.
    pub runs: BTreeMap<String, String>,
    /// When it last asked, in milliseconds since 1970.
    pub last_contact: Option<i64>,
    /// Whether it should have asked since.
    pub overdue: bool,
}

/// What a device was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The number of the action.
    pub id: u64,
    /// `name:version` of the release.
    pub set: Option<String>,
    /// How far it is, in hawkBit's words.
    pub status: String,
    /// Whether it is still open.
    pub active: bool,
    /// How much the device has to say.
    pub force: Option<String>,
    /// The last code that the device sent.
    pub code: Option<i64>,
    /// The rollout that it is of.
    pub rollout: Option<String>,
}

/// Returns what is known of all devices that a query finds, or of all, by name.
pub fn status(
    client: &Client,
    filter: Option<&str>,
    messages: Messages,
    watch: &dyn Watch,
) -> Result<Vec<Row>, Error> {
    let targets: Vec<Target> = client.list("listing the devices", &targets_path(filter, ""))?;
    let mut rows: Vec<Row> = targets.into_iter().map(row).collect();
    let index: HashMap<String, usize> =
        rows.iter().enumerate().map(|(at, row)| (row.device.clone(), at)).collect();
    actions(client, &mut rows, &index)?;
    running(client, filter, &mut rows, &index)?;
    let is_wanted = |row: &&mut Row| match (&row.action, messages) {
        (None, _) | (_, Messages::None) => false,
        (Some(told), Messages::Unfinished) => told.status != "finished",
        (Some(_), Messages::All) => true,
    };
    let wanted: Vec<&mut Row> = rows.iter_mut().filter(is_wanted).collect();
    watch.begin("messages", wanted.len() as u64);
    for row in wanted {
        message(client, row)?;
        watch.advance(1);
    }
    Ok(rows)
}

fn targets_path(filter: Option<&str>, and: &str) -> String {
    let query = within(filter, and);
    match query.is_empty() {
        true => "/targets?sort=ID:ASC".into(),
        false => format!("/targets?q={}&sort=ID:ASC", encode(&query)),
    }
}

fn row(target: Target) -> Row {
    Row {
        device: target.controller_id,
        state: target.update_status,
        action: None,
        message: None,
        runs: BTreeMap::new(),
        last_contact: target.last_controller_request_at,
        overdue: target.poll_status.is_some_and(|status| status.overdue),
    }
}

/// Finds what each device is told: the order that is open, or else the newest. A rollout leaves newer ones that are closed at once
/// where a device has the same order already.
fn actions(client: &Client, rows: &mut [Row], index: &HashMap<String, usize>) -> Result<(), Error> {
    let doing = "listing the actions";
    // Who was never told anything has no action to wait for.
    let names: Vec<String> =
        rows.iter().filter(|row| row.state != "unknown").map(|row| row.device.clone()).collect();
    for query in any_of("target.controllerId", names.iter().map(String::as_str)) {
        let mut missing = query.matches("\",\"").count() + 1;
        let mut offset = 0;
        while missing > 0 {
            let path = format!(
                "/actions?q={}&representation=full&sort=ACTIVE:DESC,ID:DESC&limit={}&offset={offset}",
                encode(&query),
                crate::client::PAGE
            );
            let page: Page<Action> = client.get(doing, &path)?;
            offset += page.content.len();
            let is_last = page.content.is_empty() || offset as u64 >= page.total;
            for action in page.content {
                let row = action.device().and_then(|device| rows.get_mut(*index.get(&device)?));
                let Some(row) = row.filter(|row| row.action.is_none()) else { continue };
                missing -= 1;
                row.action = Some(told(action));
            }
            if is_last {
                break;
            }
        }
    }
    Ok(())
}

fn told(action: Action) -> Told {
    Told {
        id: action.id,
        set: action.set().map(str::to_owned),
        status: action.status,
        active: action.active,
        force: action.force_type,
        code: action.last_status_code,
        rollout: action.rollout_name,
    }
}

/// Finds what runs where: one device is asked, and then all are found that say the same. hawkBit does not tell upper from lower case
/// there.
fn running(
    client: &Client,
    filter: Option<&str>,
    rows: &mut [Row],
    index: &HashMap<String, usize>,
) -> Result<(), Error> {
    let doing = "listing what runs";
    let silent = RUNNING.map(|key| format!("attribute.{key}=is=null"));
    let mut known: HashSet<usize> = same(client, doing, filter, &silent)?
        .iter()
        .filter_map(|device| index.get(device).copied())
        .collect();
    for at in 0..rows.len() {
        if known.contains(&at) {
            continue;
        }
        let Some(device) = rows.get(at).map(|row| encode(&row.device)) else { continue };
        let said: Option<BTreeMap<String, String>> =
            client.get(doing, &format!("/targets/{device}/attributes"))?;
        let said = said.unwrap_or_default();
        let value = |key: &str| said.get(key).map(String::as_str).unwrap_or_default();
        let runs: BTreeMap<String, String> =
            RUNNING.iter().filter_map(|key| Some(((*key).to_owned(), said.get(*key)?.clone()))).collect();
        let mut found = vec![at];
        let is_last = (at + 1..rows.len()).all(|other| known.contains(&other));
        if !is_last && RUNNING.iter().all(|key| is_exact(value(key))) {
            let parts = RUNNING.map(|key| equals(&format!("attribute.{key}"), value(key)));
            let devices = same(client, doing, filter, &parts)?;
            found.extend(devices.iter().filter_map(|device| index.get(device).copied()));
        }
        for at in found {
            if let Some(row) = rows.get_mut(at).filter(|_| known.insert(at)) {
                row.runs.clone_from(&runs);
            }
        }
    }
    Ok(())
}

/// Returns the devices of which all these hold.
fn same(client: &Client, doing: &str, filter: Option<&str>, parts: &[String]) -> Result<Vec<String>, Error> {
    let targets: Vec<Target> = client.list(doing, &targets_path(filter, &all(parts)))?;
    Ok(targets.into_iter().map(|target| target.controller_id).collect())
}

fn message(client: &Client, row: &mut Row) -> Result<(), Error> {
    let Some(told) = &row.action else { return Ok(()) };
    let device = encode(&row.device);
    let path = format!("/targets/{device}/actions/{}/status?sort=ID:DESC&limit=1&offset=0", told.id);
    let page: Page<Report> = client.get("listing messages", &path)?;
    row.message =
        page.content.first().map(|report| report.messages.join("; ")).filter(|text| !text.is_empty());
    Ok(())
}
