//! Rollouts.

use crate::common::{Device, release, server, unique};
use drydock_hawkbit::{Operator, RolloutOf};
use serde_json::{Value, json};
use std::time::Duration;

/// Four devices in two groups, and a set for them.
struct Fleet {
    operator: Operator,
    rollout: u64,
    devices: Vec<Device>,
    set: u64,
}

impl Fleet {
    fn new(success: u32, error: u32) -> Self {
        let operator = server().operator();
        let fleet = unique("fleet");
        let devices: Vec<Device> = (0..4).map(|_| Device::new()).collect();
        for device in &devices {
            assert_eq!(device.put("/configData", &json!({"data": {"fleet": fleet}})).status, 200);
        }
        let set = release("a.bin", b"abc").set;
        let search = format!("attribute.fleet=={fleet}");
        let of = RolloutOf { name: &fleet, set, search: &search, groups: 2, success, error };
        let rollout = operator.rollout(&of);
        Self { operator, rollout, devices, set }
    }

    fn started(success: u32, error: u32) -> Self {
        let fleet = Self::new(success, error);
        fleet.operator.start_rollout(fleet.rollout);
        fleet
    }

    fn groups(&self) -> Vec<Value> {
        self.operator.rollout_groups(self.rollout)
    }

    /// The devices of a group.
    fn of_group(&self, number: usize) -> Vec<&Device> {
        let group = self.groups()[number]["id"].as_u64().unwrap();
        let ids = self.operator.rollout_group_targets(self.rollout, group);
        self.devices.iter().filter(|device| ids.contains(&device.id)).collect()
    }

    fn wait_for_group(&self, number: usize, state: &str) {
        for _ in 0..600 {
            if self.groups()[number]["status"] == state {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("group {number} is {}, and not {state}", self.groups()[number]["status"]);
    }
}

/// The order that a device is offered.
fn offered(device: &Device) -> Option<u64> {
    device.link("deploymentBase")?.rsplit('/').next()?.parse().ok()
}

fn close(device: &Device, finished: &str) {
    let action = offered(device).unwrap();
    assert_eq!(device.feedback(action, "closed", finished).status, 200);
}

#[test]
fn a_rollout_is_ready_first_and_cuts_its_devices_into_groups_that_wait() {
    let fleet = Fleet::new(50, 50);
    let rollout = fleet.operator.rollout_status(fleet.rollout);
    assert_eq!((&rollout["status"], &rollout["totalTargets"]), (&json!("ready"), &json!(4)));
    assert_eq!(rollout["totalTargetsPerStatus"]["notstarted"], 4);
    assert_eq!(rollout["distributionSetId"], json!(fleet.set));
    let groups = fleet.groups();
    assert_eq!(
        groups.iter().map(|group| group["totalTargets"].clone()).collect::<Vec<_>>(),
        [json!(2), json!(2)]
    );
    assert!(fleet.devices.iter().all(|device| offered(device).is_none()));
}

#[test]
fn only_the_first_group_begins_when_a_rollout_is_started() {
    let fleet = Fleet::started(50, 50);
    let states: Vec<Value> = fleet.groups().iter().map(|group| group["status"].clone()).collect();
    assert_eq!(states, [json!("running"), json!("scheduled")]);
    assert!(fleet.of_group(0).into_iter().all(|device| offered(device).is_some()));
    assert!(fleet.of_group(1).into_iter().all(|device| offered(device).is_none()));
    let counts = fleet.operator.rollout_status(fleet.rollout)["totalTargetsPerStatus"].clone();
    assert_eq!((&counts["running"], &counts["scheduled"]), (&json!(2), &json!(2)), "{counts}");
    let device = fleet.of_group(0)[0];
    let seen = device.seen(offered(device).unwrap());
    assert_eq!(seen["rollout"], json!(fleet.rollout));
}

#[test]
fn the_next_group_begins_when_enough_of_the_first_have_succeeded_and_the_rollout_ends_with_the_last() {
    let fleet = Fleet::started(50, 50);
    close(fleet.of_group(0)[0], "success");
    fleet.wait_for_group(1, "running");
    assert!(fleet.of_group(1).into_iter().all(|device| offered(device).is_some()));
    close(fleet.of_group(0)[1], "success");
    for device in fleet.of_group(1) {
        close(device, "success");
    }
    fleet.operator.wait_for_rollout(fleet.rollout, "finished");
    assert_eq!(fleet.operator.rollout_status(fleet.rollout)["totalTargetsPerStatus"]["finished"], 4);
}

#[test]
fn errors_over_the_threshold_pause_a_rollout_and_devices_that_have_the_order_go_on() {
    let fleet = Fleet::started(100, 40);
    let first = fleet.of_group(0);
    close(first[0], "failure");
    fleet.operator.wait_for_rollout(fleet.rollout, "paused");
    assert_eq!(fleet.groups()[0]["status"], "error");
    let action = offered(first[1]).unwrap();
    assert_eq!(first[1].deployment(action).status, 200);
    assert_eq!(first[1].feedback(action, "closed", "success").status, 200);
    assert!(fleet.of_group(1).into_iter().all(|device| offered(device).is_none()));
}

#[test]
fn errors_in_the_last_group_finish_a_rollout_and_do_not_pause_it() {
    let fleet = Fleet::started(50, 40);
    for device in fleet.of_group(0) {
        close(device, "success");
    }
    fleet.wait_for_group(1, "running");
    close(fleet.of_group(1)[0], "failure");
    fleet.operator.wait_for_rollout(fleet.rollout, "finished");
    assert_eq!(fleet.groups()[1]["status"], "error");
    assert!(offered(fleet.of_group(1)[1]).is_some());
}

#[test]
fn after_a_resume_the_next_group_begins_although_the_failed_one_never_succeeded() {
    let fleet = Fleet::started(100, 40);
    close(fleet.of_group(0)[0], "failure");
    fleet.operator.wait_for_rollout(fleet.rollout, "paused");
    fleet.operator.resume_rollout(fleet.rollout);
    fleet.wait_for_group(1, "running");
    assert!(fleet.of_group(1).into_iter().all(|device| offered(device).is_some()));
    assert_eq!(fleet.groups()[0]["status"], "error");
}

#[test]
fn a_rollout_that_is_paused_begins_no_group() {
    let fleet = Fleet::started(50, 50);
    fleet.operator.pause_rollout(fleet.rollout);
    for device in fleet.of_group(0) {
        close(device, "success");
    }
    std::thread::sleep(Duration::from_secs(if fleet.devices[0].server.double().is_some() { 0 } else { 3 }));
    assert_eq!(fleet.groups()[1]["status"], "scheduled");
    fleet.operator.resume_rollout(fleet.rollout);
    fleet.wait_for_group(1, "running");
}

#[test]
fn a_rollout_can_only_be_turned_from_the_right_state() {
    let fleet = Fleet::new(50, 50);
    let post =
        |verb: &str| fleet.operator.request("POST", &format!("/rollouts/{}/{verb}", fleet.rollout), None);
    for verb in ["pause", "resume", "triggerNextGroup"] {
        let said = post(verb);
        assert_eq!(
            (said.status, said.json()["errorCode"].clone()),
            (400, json!("hawkbit.server.error.rollout.illegalState")),
            "{verb}"
        );
    }
    fleet.operator.start_rollout(fleet.rollout);
    assert_eq!((post("start").status, post("resume").status), (400, 400));
}

#[test]
fn the_next_group_can_be_begun_by_hand() {
    let fleet = Fleet::started(100, 50);
    let path = format!("/rollouts/{}/triggerNextGroup", fleet.rollout);
    assert!(fleet.operator.request("POST", &path, None).status < 300);
    fleet.wait_for_group(1, "running");
    assert!(fleet.devices.iter().all(|device| offered(device).is_some()));
}

#[test]
fn a_rollout_to_nobody_is_400_and_of_the_same_name_409() {
    let fleet = Fleet::new(50, 50);
    let name = fleet.operator.rollout_status(fleet.rollout)["name"].clone();
    let search = fleet.operator.rollout_status(fleet.rollout)["targetFilterQuery"].clone();
    let post = |name: &Value, search: &Value| {
        let body = json!({"name": name, "distributionSetId": fleet.set, "targetFilterQuery": search, "amountGroups": 2});
        fleet.operator.request("POST", "/rollouts", Some(&body)).status
    };
    assert_eq!(post(&json!(unique("other")), &json!("controllerId==nobody")), 400);
    assert_eq!(post(&name, &search), 409);
}

#[test]
fn a_deleted_rollout_takes_its_orders_with_it() {
    let fleet = Fleet::started(50, 50);
    assert!(fleet.operator.request("DELETE", &format!("/rollouts/{}", fleet.rollout), None).status < 300);
    for _ in 0..600 {
        if fleet
            .devices
            .iter()
            .all(|device| offered(device).is_none() && device.link("cancelAction").is_none())
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("orders of a rollout that was deleted are still there");
}
