//! Who may speak for a device.

use crate::common::{Device, Raw, Tenant, send, server, unique};
use serde_json::json;

fn poll(device: &Device, authorization: &str) -> Raw {
    send(&device.server.url(), "GET", &device.home(), &[("Authorization", authorization)], b"")
}

/// 401 with nothing in it, and no word of how to do better.
fn assert_unknown(answer: &Raw) {
    assert_eq!((answer.status, answer.body.len()), (401, 0), "{}", answer.head);
    assert_eq!(answer.header("WWW-Authenticate"), None);
}

#[test]
fn no_device_may_log_in_until_that_is_switched_on() {
    let mut tenant = Tenant::with(&[]);
    let device = tenant.device();
    let gateway = format!("GatewayToken {}", tenant.server.gateway_key());
    for authorization in [&device.authorization, &gateway] {
        assert_unknown(&poll(&device, authorization));
    }
    tenant.set("authentication.targettoken.enabled", json!(true));
    assert_eq!(poll(&device, &device.authorization).status, 200);
    assert_unknown(&poll(&device, &gateway));
}

#[test]
fn a_device_logs_in_with_its_own_token() {
    let device = Device::new();
    assert_eq!(device.get("").status, 200);
}

#[test]
fn a_wrong_token_is_401_without_a_body() {
    assert_unknown(&poll(&Device::new(), "TargetToken 00000000000000000000000000000000"));
    assert_unknown(&send(&server().url(), "GET", &Device::new().home(), &[], b""));
}

#[test]
fn another_devices_token_is_401() {
    assert_unknown(&poll(&Device::new(), &Device::new().authorization));
}

#[test]
fn an_unknown_device_is_401_with_a_target_token() {
    let stranger = Device { id: unique("stranger"), ..Device::new() };
    assert_unknown(&stranger.get(""));
}

#[test]
fn a_scheme_in_lower_case_is_401() {
    let device = Device::new();
    assert_unknown(&poll(&device, &device.authorization.replace("TargetToken", "targettoken")));
    let gateway = server().gateway_key();
    assert_unknown(&poll(&device, &format!("gatewaytoken {gateway}")));
    assert_eq!(poll(&device, &format!("GatewayToken {gateway}")).status, 200);
}

#[test]
fn a_gateway_token_registers_an_unknown_device_on_the_spot() {
    let device = gateway_device("new");
    assert_eq!(device.get("").status, 200);
    assert_eq!(device.operator().target(&device.id)["updateStatus"], "registered");
    assert!(device.link("configData").is_some());
}

fn gateway_device(name: &str) -> Device {
    let id = unique(name);
    Device { server: server(), id, authorization: format!("GatewayToken {}", server().gateway_key()) }
}

#[test]
fn a_wrong_gateway_token_is_401() {
    let device = gateway_device("new");
    assert_unknown(&poll(&device, "GatewayToken wrong"));
    assert_eq!(device.operator().request("GET", &format!("/targets/{}", device.id), None).status, 404);
}

#[test]
fn a_token_that_the_operator_changes_is_401_from_the_next_request() {
    let device = Device::new();
    device.operator().set_token(&device.id, "another-token-of-the-operators");
    assert_unknown(&device.get(""));
    assert_eq!(device.operator().token(&device.id), "another-token-of-the-operators");
    assert_eq!(poll(&device, "TargetToken another-token-of-the-operators").status, 200);
}

#[test]
fn a_deleted_device_is_401_with_its_own_token() {
    let device = Device::new();
    device.operator().delete_target(&device.id);
    assert_unknown(&device.get(""));
}

#[test]
fn a_deleted_device_registers_anew_with_the_gateway_token_and_has_another_token_and_no_history() {
    let device = gateway_device("again");
    let first = device.operator().create_target(&device.id);
    let action = device.order(crate::common::release("a.bin", b"abc").set, drydock_hawkbit::Kind::Forced);
    device.operator().delete_target(&device.id);
    assert_eq!(device.get("").status, 200);
    assert_ne!(device.operator().token(&device.id), first);
    assert!(device.operator().actions(&device.id).is_empty());
    let gone = device.deployment(action);
    assert_eq!((gone.status, gone.json()["exceptionClass"].is_string()), (404, true));
}

#[test]
fn the_tenants_name_may_be_in_any_case() {
    let device = Device::new();
    let path = device.home().replace("DEFAULT", "deFAult");
    let headers = [("Authorization", device.authorization.as_str())];
    assert_eq!(send(&device.server.url(), "GET", &path, &headers, b"").status, 200);
}

const HEADERS: [(&str, &str); 2] =
    [("authentication.header.authority", "0a:1b, cafe"), ("authentication.header.enabled", "")];

fn behind_a_proxy() -> Tenant {
    Tenant::with(&[(HEADERS[0].0, json!(HEADERS[0].1)), (HEADERS[1].0, json!(true))])
}

fn proxied(tenant: &Tenant, id: &str, headers: &[(&str, &str)]) -> Raw {
    send(&tenant.server.url(), "GET", &format!("/DEFAULT/controller/v1/{id}"), headers, b"")
}

#[test]
fn a_device_whose_certificate_a_proxy_has_seen_logs_in_and_an_unknown_one_is_registered() {
    let tenant = behind_a_proxy();
    let device = tenant.device();
    assert_eq!(
        proxied(&tenant, &device.id, &[("X-Controller-Id", &device.id), ("X-Authority", "CAFE")]).status,
        200
    );
    let new = unique("certified");
    assert_eq!(proxied(&tenant, &new, &[("X-Controller-Id", &new), ("X-Authority", "cafe")]).status, 200);
    assert_eq!(tenant.server.operator().target(&new)["controllerId"], json!(new));
}

#[test]
fn a_certificate_of_another_device_or_authority_or_none_is_401() {
    let tenant = behind_a_proxy();
    let (device, other) = (tenant.device(), tenant.device());
    for headers in [
        &[("X-Controller-Id", other.id.as_str()), ("X-Authority", "cafe")][..],
        &[("X-Controller-Id", &device.id), ("X-Authority", "beef")],
        &[("X-Controller-Id", &device.id)],
        &[("X-Authority", "cafe")],
        &[],
    ] {
        assert_unknown(&proxied(&tenant, &device.id, headers));
    }
}

#[test]
fn a_proxys_headers_are_nothing_until_they_are_switched_on() {
    let tenant = Tenant::with(&[("authentication.header.authority", json!("cafe"))]);
    let device = tenant.device();
    let headers = [("X-Controller-Id", device.id.as_str()), ("X-Authority", "cafe")];
    assert_unknown(&proxied(&tenant, &device.id, &headers));
}

#[test]
fn a_device_that_registers_itself_has_an_id_of_at_most_128_characters() {
    let length = 128 - unique("").len();
    let mut device = gateway_device(&"x".repeat(length));
    device.id.truncate(128);
    assert_eq!(device.get("").status, 200);
    device.id.push('x');
    assert_eq!(device.get("").status, 400);
}

#[test]
fn a_slash_at_the_end_is_404_and_two_slashes_are_400() {
    let device = Device::new();
    assert_eq!(device.get("/").status, 404);
    let path = device.home().replace("/v1/", "/v1//");
    let headers = [("Authorization", device.authorization.as_str())];
    assert_eq!(send(&device.server.url(), "GET", &path, &headers, b"").status, 400);
}
