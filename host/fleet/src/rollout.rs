//! A release for many devices, group after group.

use crate::model::{Group, Rollout};
use crate::order::Order;
use crate::query::{encode, equals};
use crate::{Client, Error, Name, Set};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long hawkBit may take to fill the groups: it looks every two seconds, and fills some thousand devices a second.
const LONGEST: Duration = Duration::from_secs(600);

/// A share of a group's devices in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(u8);

impl Percent {
    /// Takes 0 to 100. hawkBit would take more, and wait for ever.
    pub fn new(value: u8) -> Option<Self> {
        (value <= 100).then_some(Self(value))
    }
}

/// What a rollout is to be.
pub struct Plan<'a> {
    /// Its name.
    pub name: &'a Name,
    /// The release.
    pub set: &'a Set,
    /// Which devices, in hawkBit's query language.
    pub filter: &'a str,
    /// How many groups of the same size.
    pub groups: u16,
    /// When that many of a group have succeeded, the next one begins.
    pub success: Percent,
    /// When that many of a group have failed, the rollout pauses.
    pub error: Percent,
    /// How it is installed.
    pub order: &'a Order,
}

/// What the server says of a rollout.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How far it is, in hawkBit's words.
    pub status: String,
    /// `name:version` of the release.
    pub set: Option<String>,
    /// Which devices.
    pub filter: Option<String>,
    /// How many devices it has.
    pub total: u64,
    /// How many of them are how far.
    pub devices: BTreeMap<String, u64>,
    /// The groups, where they were asked for.
    pub groups: Vec<ShownGroup>,
}

/// What the server says of a group.
#[derive(Clone, Debug, Serialize)]
pub struct ShownGroup {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: String,
    /// How many devices it has.
    pub total: u64,
    /// How many of them are how far.
    pub devices: BTreeMap<String, u64>,
}

/// What can be done with a rollout that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It begins.
    Start,
    /// No further group begins. What devices were told they go on with.
    Pause,
    /// It goes on.
    Resume,
}

/// Makes a rollout, which does not begin. Returns what the server says of it.
pub fn create(client: &Client, plan: &Plan<'_>) -> Result<Shown, Error> {
    let doing = format!("making the rollout {}", plan.name);
    let threshold = |percent: Percent| json!({"condition": "THRESHOLD", "expression": percent.0.to_string()});
    let mut body = Map::new();
    plan.order.write(&mut body);
    for (key, value) in [
        ("name", json!(plan.name.as_str())),
        ("distributionSetId", json!(plan.set.id)),
        ("targetFilterQuery", json!(plan.filter)),
        ("amountGroups", json!(plan.groups)),
        ("successCondition", threshold(plan.success)),
        ("successAction", json!({"action": "NEXTGROUP", "expression": ""})),
        ("errorCondition", threshold(plan.error)),
        ("errorAction", json!({"action": "PAUSE", "expression": ""})),
    ] {
        body.insert(key.into(), value);
    }
    let made: Rollout = client.post(&doing, "/rollouts", &Value::Object(body))?;
    Ok(shown(made, Vec::new()))
}

impl Act {
    /// The word of it in addresses, and in messages.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Start => ("start", "starting"),
            Self::Pause => ("pause", "pausing"),
            Self::Resume => ("resume", "resuming"),
        }
    }

    /// Whether a rollout is on its way to where this is possible: the server fills groups, and starts them, in its own time.
    fn must_wait(self, status: &str) -> bool {
        matches!((self, status), (Self::Start, "creating") | (Self::Pause, "starting"))
    }

    /// Whether it was done already.
    fn is_done(self, status: &str) -> bool {
        match self {
            Self::Start => matches!(status, "starting" | "running"),
            Self::Pause => status == "paused",
            Self::Resume => status == "running",
        }
    }
}

/// Does something with a rollout. Where the server must get ready for it first, that is waited for, looking every `pause`.
pub fn act(client: &Client, name: &Name, act: Act, pause: Duration) -> Result<Shown, Error> {
    let (word, doing) = act.words();
    let doing = format!("{doing} the rollout {name}");
    let mut rollout = find(client, name)?;
    let mut waited = Duration::ZERO;
    while act.must_wait(&rollout.status) && waited < LONGEST {
        std::thread::sleep(pause);
        waited += pause;
        rollout = client.get(&doing, &format!("/rollouts/{}", rollout.id))?;
    }
    if !act.is_done(&rollout.status) {
        client.order(&doing, &format!("/rollouts/{}/{word}", rollout.id))?;
    }
    show(client, name)
}

/// Returns what the server says of a rollout and its groups.
pub fn show(client: &Client, name: &Name) -> Result<Shown, Error> {
    let rollout = find(client, name)?;
    let path = format!("/rollouts/{}/deploygroups?representation=full", rollout.id);
    let groups = client.list("looking at the groups", &path)?;
    Ok(shown(rollout, groups))
}

/// Returns all rollouts, the oldest first, without their groups.
pub fn list(client: &Client) -> Result<Vec<Shown>, Error> {
    let path = "/rollouts?representation=full&sort=ID:ASC";
    let rollouts: Vec<Rollout> = client.list("looking for rollouts", path)?;
    Ok(rollouts.into_iter().filter(|rollout| !rollout.deleted).map(|one| shown(one, Vec::new())).collect())
}

fn find(client: &Client, name: &Name) -> Result<Rollout, Error> {
    let query = encode(&equals("name", name.as_str()));
    let path = format!("/rollouts?q={query}&representation=full&sort=ID:ASC");
    let found: Vec<Rollout> = client.list("looking for the rollout", &path)?;
    let none = || Error::Input {
        what: format!("the rollout {name}"),
        problem: "the server has none of that name; drydock-fleet rollouts lists them".into(),
    };
    found.into_iter().find(|one| !one.deleted && one.name == name.as_str()).ok_or_else(none)
}

fn shown(rollout: Rollout, groups: Vec<Group>) -> Shown {
    let group = |Group { name, status, total_targets: total, total_targets_per_status: devices }| {
        ShownGroup { name, status, total, devices }
    };
    Shown {
        id: rollout.id,
        set: rollout.links.get("distributionset").and_then(|link| link.name.clone()),
        name: rollout.name,
        status: rollout.status,
        filter: rollout.target_filter_query,
        total: rollout.total_targets,
        devices: rollout.total_targets_per_status,
        groups: groups.into_iter().map(group).collect(),
    }
}
