//! What is said where there is no way into a network.

use crate::addresses::RANGE;
use crate::lab::Lab;

fn failure(lab: &Lab, network: &str) -> String {
    let before = lab.state();
    let (ok, said) = lab.try_drydock(network, &[]);
    assert!(!ok, "{said}");
    assert_eq!(lab.state(), before, "the interfaces must be as they were");
    said
}

#[test]
fn a_cable_that_is_not_in_is_told() {
    let lab = Lab::new();
    lab.cable(0);
    let said = failure(&lab, r#"{"wait_seconds":5,"interface":[{"name":"e*"}]}"#);
    assert!(said.contains("a way into a network, after 5 s, is missing; e0: no carrier"), "{said}");
}

#[test]
fn servers_that_do_not_answer_are_told() {
    let lab = Lab::wired();
    let said = failure(&lab, r#"{"wait_seconds":5,"interface":[{"name":"e*"}]}"#);
    assert!(said.contains("e0: no DHCP server answers; no router advertises IPv6"), "{said}");
}

#[test]
fn a_server_without_addresses_left_is_told() {
    let lab = Lab::wired();
    let _server = lab.dnsmasq(&[RANGE, "--dhcp-ignore=tag:!nobody"]);
    let said = failure(&lab, r#"{"wait_seconds":5,"interface":[{"name":"e*","ipv6":"off"}]}"#);
    assert!(said.contains("e0: no DHCP server answers"), "{said}");
}

#[test]
fn an_interface_that_is_not_there_is_told_with_those_that_are() {
    let lab = Lab::new();
    lab.cable(0);
    let said = failure(&lab, r#"{"wait_seconds":5,"interface":[{"name":"e*","mac":"02:00:00:00:00:07"}]}"#);
    assert!(
        said.contains(
            "no interface fits [[network.interface]]; the kernel has e0 at /sys/devices/virtual/net/e0"
        ),
        "{said}"
    );
}
