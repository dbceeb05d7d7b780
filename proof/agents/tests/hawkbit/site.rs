//! A server with releases on it, and devices that are its own.

use drydock_agents::{Life, Moment};
use drydock_config::Fleet;
use drydock_format::{Digest, sha256};
use drydock_hawkbit::{Kind, Operator, Server};
use drydock_simulator::operations::Moments;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::{COMPATIBLE, Workshop};
use drydock_state::Outcome;
use drydock_state::fleet::Order;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::new(SETUPS[0]));
pub(crate) static MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&WORKSHOP));

/// A server with releases on it.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) operator: Operator,
    sets: BTreeMap<String, u64>,
    devices: AtomicU64,
}

impl Site {
    pub(crate) fn new() -> Self {
        let server = Server::start();
        let operator = server.operator();
        let mut site = Self { server, operator, sets: BTreeMap::new(), devices: AtomicU64::new(0) };
        for version in ["2", "3", "4"] {
            let release = WORKSHOP.version(version);
            site.push(version, &release.bundle, Some(sha256(&release.manifest)));
        }
        site
    }

    /// Uploads a bundle under this version.
    pub(crate) fn push(&mut self, version: &str, bundle: &[u8], pin: Option<Digest>) {
        let module = self.operator.module(COMPATIBLE, version);
        self.operator.upload(module, &format!("{}.drydock", version.replace(' ', "-")), bundle);
        if let Some(pin) = pin {
            self.operator.module_metadata(module, "manifest", &pin.to_string(), true);
        }
        let set = self.operator.distribution_set(COMPATIBLE, version, &[module]);
        self.sets.insert(version.into(), set);
    }

    /// A device of its own that runs version 1, whose power is cut at this moment.
    pub(crate) fn device(&self, fleet: Fleet, moment: Option<Moment>) -> Life<'static> {
        let number = self.devices.fetch_add(1, Ordering::Relaxed);
        let id = format!("pump-{number}");
        let token = self.operator.create_target(&id);
        let fleet = Fleet { server: fleet.server.or(Some(self.server.url())), ..fleet };
        let authorization = format!("TargetToken {token}");
        Life::new(&WORKSHOP, MOMENTS.first.clone(), (&id, &authorization), fleet, moment)
    }

    /// Orders a device to have a version. Returns the order's number.
    pub(crate) fn assign(&self, life: &Life<'_>, version: &str, kind: Kind) -> u64 {
        self.operator.assign(&life.id, self.sets[version], kind)
    }

    /// The same, in a window of the server's.
    pub(crate) fn assign_in_window(
        &self,
        life: &Life<'_>,
        version: &str,
        kind: Kind,
        window: (&str, &str, &str),
    ) -> u64 {
        self.operator.assign_in_window(&life.id, self.sets[version], kind, window)
    }

    /// Whether an order is not over.
    pub(crate) fn is_open(&self, life: &Life<'_>, action: u64) -> bool {
        is_open(&self.operator.action(&life.id, action))
    }

    /// Has an order cancelled, if it is not over.
    pub(crate) fn cancel(&self, life: &Life<'_>, action: u64) {
        if is_open(&self.operator.action(&life.id, action)) {
            self.operator.cancel(&life.id, action);
        }
    }

    /// What the server has to say of an order in the end: its status, and what the device has told of it.
    pub(crate) fn verdict(&self, life: &Life<'_>, action: u64) -> (String, Vec<String>) {
        let shown = self.operator.action(&life.id, action);
        let status = shown["detailStatus"].as_str().or(shown["status"].as_str()).unwrap_or_default();
        let messages = self.operator.messages(&life.id, action);
        (status.to_owned(), messages.into_iter().filter(|message| message.starts_with('[')).collect())
    }

    /// What is wrong between the server and the device, when nothing is to be done any more.
    pub(crate) fn faults(&self, life: &Life<'_>) -> Vec<String> {
        let mut faults = life.violations();
        for action in self.operator.actions(&life.id) {
            let number = action["id"].as_u64().unwrap_or_default();
            if is_open(&action) {
                faults.push(format!("order {number} is open: {action}"));
            }
            let (_, messages) = self.verdict(life, number);
            let words: Vec<&str> = messages.iter().filter_map(|message| message.split(']').next()).collect();
            let mut told = words.clone();
            told.sort_unstable();
            told.dedup();
            if told.len() != words.len() {
                faults.push(format!("order {number} was told something twice: {messages:?}"));
            }
            let ends = ["[good", "[rolled-back", "[failed", "[refused", "[cancelled"];
            let count = words.iter().filter(|word| ends.contains(word)).count();
            if count > 1 {
                faults.push(format!("order {number} ended {count} times: {messages:?}"));
            }
        }
        let record = life.record();
        let mut installed: Vec<_> = record
            .history
            .iter()
            .filter(|entry| entry.outcome == Outcome::Installed)
            .map(|entry| entry.version.clone())
            .collect();
        let count = installed.len();
        installed.sort();
        installed.dedup();
        if installed.len() != count {
            faults.push(format!("something was installed twice: {:?}", record.history));
        }
        if let Some(Order { action, .. }) = record.fleet.order {
            faults.push(format!("the device is still at order {action}"));
        }
        faults
    }
}

fn is_open(action: &Value) -> bool {
    action["status"] != "finished" && action["active"] != Value::Bool(false)
}
