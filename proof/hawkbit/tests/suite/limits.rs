//! What a server does when it is asked too often. A real one lets clients on loopback ask as often as they like, which is shown of
//! either; what it answers others can't be had of it here, and is shown of the double alone, as it was seen with the limits lower.

use crate::common::Device;
use drydock_hawkbit::{Double, Server};
use serde_json::json;

fn poll(url: &str, device: &str) -> crate::common::Raw {
    let gateway = format!("GatewayToken {}", Double::GATEWAY_KEY);
    crate::common::send(
        url,
        "GET",
        &format!("/DEFAULT/controller/v1/{device}"),
        &[("Authorization", &gateway)],
        b"",
    )
}

#[test]
fn of_the_double_alone_polls_over_the_rate_are_429_with_nothing_in_it_and_no_word_of_when_to_come_again() {
    let double = Double::start();
    double.settings().reads_a_second = Some(0);
    let answer = poll(&double.url(), "often");
    assert_eq!((answer.status, answer.body.len(), answer.header("Retry-After")), (429, 0, None));
    double.settings().reads_a_second = None;
    assert_eq!(poll(&double.url(), "often").status, 200);
}

#[test]
fn of_the_double_alone_reports_over_the_rate_are_429_with_nothing_in_it_and_a_quota_has_an_error_in_json() {
    let double = Double::start();
    poll(&double.url(), "often");
    let gateway = format!("GatewayToken {}", Double::GATEWAY_KEY);
    let put = |body: &serde_json::Value| {
        let headers = [("Authorization", gateway.as_str()), ("Content-Type", "application/json")];
        let path = "/DEFAULT/controller/v1/often/configData";
        crate::common::send(&double.url(), "PUT", path, &headers, body.to_string().as_bytes())
    };
    double.settings().writes_a_second = Some(0);
    let answer = put(&json!({"data": {"a": "1"}}));
    assert_eq!((answer.status, answer.body.len()), (429, 0));
    double.settings().writes_a_second = None;
    let many: serde_json::Map<_, _> = (0..101).map(|number| (format!("k{number}"), json!("1"))).collect();
    let answer = put(&json!({"data": many}));
    assert_eq!((answer.status, answer.json()["errorCode"].is_string()), (429, true));
}

#[test]
fn a_client_on_loopback_may_ask_as_often_as_it_likes() {
    let device = Device::new();
    for _ in 0..300 {
        assert_eq!(device.get("").status, 200);
    }
}

#[test]
fn a_server_ends_when_it_is_dropped() {
    let server = Server::start();
    let host = server.url().strip_prefix("http://").unwrap().to_owned();
    assert!(std::net::TcpStream::connect(&host).is_ok());
    drop(server);
    assert!(std::net::TcpStream::connect(&host).is_err());
}
