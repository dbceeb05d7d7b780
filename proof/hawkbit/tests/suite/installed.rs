//! What a device has: by an order, or without one.

use crate::common::{Device, ordered, release};
use drydock_hawkbit::Kind;
use serde_json::json;

#[test]
fn the_order_that_was_done_last_can_be_read_without_flipping_it() {
    let (device, action) = ordered(Kind::Forced);
    assert_eq!(device.get(&format!("/installedBase/{action}")).status, 404);
    device.feedback(action, "closed", "success");
    let order = device.get(&format!("/installedBase/{action}")).json();
    assert_eq!(order["id"], json!(action.to_string()));
    assert_eq!(order["deployment"]["chunks"][0]["artifacts"][0]["filename"], "a.bin");
    assert_eq!(device.state(action), "finished");
    assert_eq!(device.link("installedBase"), Some(format!("/installedBase/{action}")));
}

#[test]
fn a_set_installed_from_a_medium_is_201_and_the_server_knows_it() {
    let device = Device::new();
    let release = release("a.bin", b"abc");
    let body = json!({"name": "os", "version": release.version});
    assert_eq!(device.put("/installedBase", &body).status, 201);
    let path = format!("/targets/{}/installedDS", device.id);
    assert_eq!(device.operator().request("GET", &path, None).json()["id"], json!(release.set));
    assert_eq!(device.operator().target(&device.id)["updateStatus"], "in_sync");
    assert!(device.link("installedBase").is_some());
    assert_eq!(device.put("/installedBase", &body).status, 200);
}

#[test]
fn an_unknown_set_installed_from_a_medium_is_404() {
    assert_eq!(Device::new().put("/installedBase", &json!({"name": "os", "version": "none"})).status, 404);
}

#[test]
fn a_set_installed_from_a_medium_while_an_order_is_open_is_not_taken() {
    let (device, action) = ordered(Kind::Forced);
    let release = release("b.bin", b"def");
    assert_eq!(device.put("/installedBase", &json!({"name": "os", "version": release.version})).status, 200);
    let path = format!("/targets/{}/installedDS", device.id);
    assert_eq!(device.operator().request("GET", &path, None).status, 204);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
}
