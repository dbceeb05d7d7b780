//! Rollouts: one set to many devices, group by group.

use super::Operator;
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// A rollout to be made.
#[derive(Clone, Debug)]
pub struct RolloutOf<'r> {
    /// Its name.
    pub name: &'r str,
    /// The set that devices are to have.
    pub set: u64,
    /// A search for the devices.
    pub search: &'r str,
    /// How many groups they are cut into.
    pub groups: u32,
    /// The next group begins when so many per cent of one have succeeded.
    pub success: u32,
    /// The rollout pauses when more than so many per cent of a group have failed.
    pub error: u32,
}

impl Operator {
    /// Makes a rollout, and waits until it can be started. Returns its number.
    ///
    /// # Panics
    /// As all that follows: if the server does not do it.
    pub fn rollout(&self, of: &RolloutOf<'_>) -> u64 {
        let condition = |per_cent: u32| json!({"condition": "THRESHOLD", "expression": per_cent.to_string()});
        let rollout = json!({
            "name": of.name, "distributionSetId": of.set, "targetFilterQuery": of.search, "amountGroups": of.groups,
            "successCondition": condition(of.success), "successAction": {"action": "NEXTGROUP", "expression": ""},
            "errorCondition": condition(of.error), "errorAction": {"action": "PAUSE", "expression": ""},
        });
        let made = self.granted("POST", "/rollouts", Some(&rollout));
        let id = made["id"].as_u64().expect("a number");
        self.wait_for_rollout(id, "ready");
        id
    }

    /// Starts a rollout, and waits until it runs.
    pub fn start_rollout(&self, id: u64) {
        self.granted("POST", &format!("/rollouts/{id}/start"), None);
        self.wait_for_rollout(id, "running");
    }

    /// Lets no further group begin.
    pub fn pause_rollout(&self, id: u64) {
        self.granted("POST", &format!("/rollouts/{id}/pause"), None);
    }

    /// Lets a rollout that has paused go on.
    pub fn resume_rollout(&self, id: u64) {
        self.granted("POST", &format!("/rollouts/{id}/resume"), None);
    }

    /// A rollout, as the server shows it.
    pub fn rollout_status(&self, id: u64) -> Value {
        self.granted("GET", &format!("/rollouts/{id}"), None)
    }

    /// A rollout's groups, the first one first.
    pub fn rollout_groups(&self, id: u64) -> Vec<Value> {
        self.list(&format!("/rollouts/{id}/deploygroups?representation=full&sort=id:ASC"))
    }

    /// The ids of a group's devices.
    pub fn rollout_group_targets(&self, id: u64, group: u64) -> Vec<String> {
        let targets = self.list(&format!("/rollouts/{id}/deploygroups/{group}/targets?limit=500"));
        targets.iter().filter_map(|target| target["controllerId"].as_str().map(str::to_owned)).collect()
    }

    /// Waits until a rollout is in that state: a real server looks after its rollouts once in a while.
    ///
    /// # Panics
    /// If it does not come to it within two minutes.
    pub fn wait_for_rollout(&self, id: u64, state: &str) {
        let mut last = Value::Null;
        for _ in 0..600 {
            last = self.rollout_status(id)["status"].clone();
            if last == state {
                return;
            }
            thread::sleep(Duration::from_millis(200));
        }
        panic!("rollout {id} is {last}, and not {state}");
    }
}
