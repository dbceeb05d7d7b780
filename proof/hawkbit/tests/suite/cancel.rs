//! Orders that are to be given up, and orders that wait for a yes.

use crate::common::{Device, Tenant, ordered};
use drydock_hawkbit::Kind;
use serde_json::{Value, json};

fn canceling() -> (Device, u64) {
    let (device, action) = ordered(Kind::Forced);
    device.operator().cancel(&device.id, action);
    (device, action)
}

#[test]
fn a_cancellation_names_the_order_that_is_to_stop() {
    let (device, action) = canceling();
    assert_eq!(device.link("cancelAction"), Some(format!("/cancelAction/{action}")));
    let text = action.to_string();
    let expected = json!({"id": text, "cancelAction": {"stopId": text}});
    assert_eq!(device.get(&format!("/cancelAction/{action}")).json(), expected);
}

#[test]
fn an_accepted_cancellation_ends_the_order_and_may_be_accepted_twice() {
    let (device, action) = canceling();
    for _ in 0..2 {
        assert_eq!(device.answer_cancel(action, "closed", "success").status, 200);
        let seen = device.seen(action);
        assert_eq!((&seen["status"], &seen["active"]), (&json!("canceled"), &json!(false)));
    }
    assert_eq!(device.link("cancelAction"), None);
}

#[test]
fn a_refused_cancellation_lets_the_order_run_on_and_it_is_offered_again() {
    let (device, action) = canceling();
    assert_eq!(device.answer_cancel(action, "rejected", "none").status, 200);
    assert_eq!(device.state(action), "running");
    assert_eq!(device.link("cancelAction"), None);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
    assert_eq!(device.feedback(action, "closed", "success").status, 200);
}

#[test]
fn an_answer_with_no_cancellation_pending_is_405() {
    let (device, action) = ordered(Kind::Forced);
    let answer = device.answer_cancel(action, "closed", "success");
    assert_eq!(
        (answer.status, answer.json()["errorCode"].clone()),
        (405, json!("hawkbit.server.error.action.notCancelable"))
    );
    assert_eq!(device.get(&format!("/cancelAction/{action}")).status, 404);
}

#[test]
fn while_a_cancellation_is_pending_reports_are_taken() {
    let (device, action) = canceling();
    assert_eq!(device.feedback(action, "proceeding", "none").status, 200);
    assert_eq!(device.state(action), "canceling");
    assert_eq!(device.link("cancelAction"), Some(format!("/cancelAction/{action}")));
}

#[test]
fn an_order_that_the_operator_ends_by_force_is_410_then() {
    let (device, action) = canceling();
    device.operator().force_quit(&device.id, action);
    assert_eq!(device.state(action), "canceled");
    assert_eq!(device.feedback(action, "closed", "success").status, 410);
    assert_eq!(device.link("cancelAction"), None);
}

#[test]
fn only_an_open_order_can_be_canceled_and_only_a_canceled_one_be_ended_by_force() {
    let (device, action) = ordered(Kind::Forced);
    let delete = |device: &Device, query: &str| {
        let path = format!("/targets/{}/actions/{action}{query}", device.id);
        device.operator().request("DELETE", &path, None).status
    };
    assert_eq!(delete(&device, "?force=true"), 405);
    assert_eq!(delete(&device, ""), 204);
    assert_eq!(delete(&device, ""), 405);
    device.answer_cancel(action, "closed", "success");
    assert_eq!(delete(&device, "?force=true"), 405);
}

fn with_confirmation() -> Tenant {
    Tenant::with(&[
        ("authentication.targettoken.enabled", json!(true)),
        ("user.confirmation.flow.enabled", json!(true)),
    ])
}

fn say(device: &Device, action: u64, word: &str) -> u16 {
    let body = json!({"confirmation": word, "code": 20, "details": ["by the person at the device"]});
    device.post(&format!("/confirmationBase/{action}/feedback"), &body).status
}

#[test]
fn an_order_waits_for_a_yes_where_the_tenant_wants_one() {
    let tenant = with_confirmation();
    let (device, action) = tenant.ordered(Kind::Forced);
    assert_eq!(device.link("confirmationBase"), Some(format!("/confirmationBase/{action}")));
    assert_eq!(device.link("deploymentBase"), None);
    assert_eq!(device.state(action), "wait_for_confirmation");
    let order = device.get(&format!("/confirmationBase/{action}")).json();
    assert_eq!(order["id"], json!(action.to_string()));
    assert_eq!(order["confirmation"]["chunks"][0]["artifacts"][0]["filename"], "a.bin");
    assert_eq!(device.feedback(action, "proceeding", "none").status, 404);
}

#[test]
fn a_confirmed_order_becomes_a_deployment_and_confirming_it_twice_is_404() {
    let tenant = with_confirmation();
    let (device, action) = tenant.ordered(Kind::Forced);
    assert_eq!(say(&device, action, "confirmed"), 200);
    assert_eq!(device.link("confirmationBase"), None);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
    assert_eq!(say(&device, action, "confirmed"), 404);
    assert_eq!(device.get(&format!("/confirmationBase/{action}")).status, 404);
}

#[test]
fn a_denied_order_stays_waiting_and_is_offered_at_each_poll() {
    let tenant = with_confirmation();
    let (device, action) = tenant.ordered(Kind::Forced);
    for _ in 0..2 {
        assert_eq!(say(&device, action, "denied"), 200);
        assert_eq!(device.link("confirmationBase"), Some(format!("/confirmationBase/{action}")));
    }
    assert_eq!(device.state(action), "wait_for_confirmation");
    assert_eq!(say(&device, action, "perhaps"), 400);
}

#[test]
fn the_operator_may_say_yes_in_place_of_the_device() {
    let tenant = with_confirmation();
    let (device, action) = tenant.ordered(Kind::Forced);
    let path = format!("/targets/{}/actions/{action}/confirmation", device.id);
    let said = device.operator().request("PUT", &path, Some(&json!({"confirmation": "confirmed"})));
    assert_eq!(said.status, 204, "{}", said.text);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
}

#[test]
fn an_order_for_which_no_yes_is_asked_is_confirmed_by_who_has_given_it() {
    let tenant = with_confirmation();
    let device = tenant.device();
    let set = crate::common::release_on(tenant.server, "a.bin", b"abc").set;
    let more = json!({"confirmationRequired": false});
    let action = device.operator().assign_with(&device.id, set, Kind::Forced, &more);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
}

#[test]
fn an_answer_on_the_way_or_that_fails_does_not_end_a_cancellation_but_a_failure_takes_it_back() {
    let (device, action) = canceling();
    for (execution, finished, state) in [
        ("proceeding", "none", "canceling"),
        ("canceled", "none", "canceling"),
        ("closed", "failure", "running"),
    ] {
        assert_eq!(device.answer_cancel(action, execution, finished).status, 200);
        assert_eq!(device.state(action), state, "{execution}");
    }
}

#[test]
fn an_order_that_waits_for_a_yes_can_be_canceled() {
    let tenant = with_confirmation();
    let (device, action) = tenant.ordered(Kind::Forced);
    device.operator().cancel(&device.id, action);
    assert_eq!(device.link("confirmationBase"), None);
    assert_eq!(device.link("cancelAction"), Some(format!("/cancelAction/{action}")));
}

#[test]
fn orders_are_taken_for_confirmed_from_when_the_device_says_so_until_it_takes_it_back() {
    let tenant = with_confirmation();
    let (device, first) = tenant.ordered(Kind::Forced);
    let activate = |body: &Value| device.post("/confirmationBase/activateAutoConfirm", body).status;
    assert_eq!(activate(&json!({"initiator": "op", "remark": "night shift"})), 200);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{first}")));
    let state = device.get("/confirmationBase").json()["autoConfirm"].clone();
    assert_eq!((&state["active"], &state["initiator"]), (&json!(true), &json!("op")));
    assert_eq!(activate(&json!({})), 409);
    let off = device.send("POST", "/confirmationBase/deactivateAutoConfirm", &[], b"");
    assert_eq!(off.status, 200);
    assert_eq!(device.get("/confirmationBase").json()["autoConfirm"]["active"], false);
    device.feedback(first, "closed", "success");
    let set = crate::common::release_on(tenant.server, "b.bin", b"def").set;
    let second = device.order(set, Kind::Forced);
    assert_eq!(device.link("confirmationBase"), Some(format!("/confirmationBase/{second}")));
}
