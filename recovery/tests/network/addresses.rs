//! IPv4: leases from dnsmasq, and addresses of the configuration.

use crate::lab::Lab;

/// IPv4 alone, by DHCP.
pub(crate) const DHCP: &str = r#"{"wait_seconds":60,"interface":[{"name":"e*","ipv6":"off"}]}"#;
pub(crate) const RANGE: &str = "--dhcp-range=10.99.0.50,10.99.0.60,255.255.255.0,2m";

#[test]
fn a_lease_is_used_and_everything_is_as_it_was_afterwards() {
    let lab = Lab::wired();
    let before = lab.state();
    let mut server = lab.dnsmasq(&[RANGE, "--host-record=up.example,10.99.0.9"]);
    let mut drydock = lab.drydock(DHCP, &["--watch", "600", "up.example"]);
    drydock.expect("up.example: 10.99.0.9");
    let said = drydock.said();
    assert!(said.contains("/24, DNS 10.99.0.1\n") && said.contains("e0: 10.99.0."), "{said}");
    let routes = lab.on_client("route");
    assert!(routes.contains("default via 10.99.0.1 dev e0"), "{routes}");
    server.expect("DHCPACK(s0)");
    assert_ne!(lab.state(), before);
    drop(drydock);

    // It was killed just now and could not clean up; whoever ends by himself does.
    lab.on_client("addr flush dev e0");
    lab.on_client("link set e0 down");
    let (ok, said) = lab.try_drydock(DHCP, &["up.example"]);
    assert!(ok, "{said}");
    let settings_and_links = lab.state();
    assert!(settings_and_links.lines().next() == before.lines().next(), "{settings_and_links}\n{before}");
}

#[test]
fn a_lease_is_renewed_while_it_is_in_use() {
    let lab = Lab::wired();
    // The first renewal after five seconds (option 58).
    let mut server = lab.dnsmasq(&[RANGE, "--dhcp-option=58,5"]);
    let mut drydock = lab.drydock(DHCP, &["--watch", "600"]);
    drydock.expect("e0: 10.99.0.");
    server.expect_times("DHCPACK(s0)", 3);
    // Nothing has changed, so nothing is told, and nobody was asked anew.
    assert_eq!(drydock.said().matches("drydock: e0: ").count(), 1, "{}", drydock.said());
    assert_eq!(server.said().matches("DHCPDISCOVER").count(), 1, "{}", server.said());
}

#[test]
fn a_server_that_has_other_addresses_now_changes_the_lease() {
    let lab = Lab::wired();
    let mut server =
        lab.dnsmasq(&["--dhcp-range=10.99.0.50,10.99.0.50,255.255.255.0,2m", "--dhcp-option=58,5"]);
    let mut drydock = lab.drydock(DHCP, &["--watch", "600"]);
    drydock.expect("e0: 10.99.0.50/24");
    server.expect("DHCPACK(s0) 10.99.0.50");
    drop(server);
    lab.forget_leases();
    let mut server = lab.dnsmasq(&["--dhcp-range=10.99.0.70,10.99.0.70,255.255.255.0,2m"]);
    server.expect("DHCPNAK(s0) 10.99.0.50");
    drydock.expect("e0: a DHCP server has refused the lease");
    drydock.expect("e0: 10.99.0.70/24");
    let addresses = lab.on_client("-4 -br addr show e0");
    assert!(addresses.contains("10.99.0.70/24") && !addresses.contains("10.99.0.50"), "{addresses}");
    assert_eq!(lab.on_client("route").matches("default").count(), 1);
}

#[test]
fn a_server_that_comes_late_or_takes_its_time_is_waited_for() {
    let lab = Lab::wired();
    let drydock = lab.drydock(DHCP, &[]);
    std::thread::sleep(std::time::Duration::from_secs(4));
    let _server = lab.dnsmasq(&[RANGE, "--dhcp-reply-delay=3"]);
    let (ok, said) = drydock.wait();
    assert!(ok && said.contains("e0: 10.99.0."), "{said}");
}

#[test]
fn an_address_that_somebody_has_already_is_declined_and_another_one_taken() {
    let lab = Lab::wired();
    // The server's machine answers for this address, and its DHCP server knows nothing of it.
    lab.on_server("addr add 10.99.0.50/32 dev lo");
    let host = "--dhcp-range=10.99.0.50,10.99.0.51,255.255.255.0,2m";
    let mut server = lab.dnsmasq(&[host, "--dhcp-sequential-ip"]);
    let mut drydock = lab.drydock(DHCP, &["--watch", "600"]);
    drydock.expect("e0: another machine has 10.99.0.50");
    server.expect("DHCPDECLINE(s0) 10.99.0.50");
    drydock.expect("e0: 10.99.0.51/24");
}

#[test]
fn routes_come_as_the_server_wants_them() {
    let lab = Lab::wired();
    // A host alone in its network, whose router is reached by a route of its own, as large networks have it.
    let options =
        ["--dhcp-option=1,255.255.255.255", "--dhcp-option=121,172.16.0.0/12,10.99.0.7,0.0.0.0/0,10.99.0.1"];
    let _server = lab.dnsmasq(&[RANGE, options[0], options[1]]);
    let mut drydock = lab.drydock(DHCP, &["--watch", "600"]);
    drydock.expect("/32, DNS 10.99.0.1");
    let routes = lab.on_client("-4 route");
    assert!(routes.contains("default via 10.99.0.1 dev e0"), "{routes}");
    assert!(routes.contains("172.16.0.0/12 via 10.99.0.7 dev e0"), "{routes}");
}

#[test]
fn a_carrier_that_is_lost_and_comes_back_gives_the_network_back() {
    let lab = Lab::wired();
    let _server = lab.dnsmasq(&[RANGE]);
    let mut drydock = lab.drydock(DHCP, &["--watch", "600"]);
    drydock.expect("e0: 10.99.0.");
    lab.on_server("link set s0 down");
    drydock.expect("e0: the carrier is gone");
    drydock.expect("e0: no carrier");
    assert_eq!(lab.on_client("-4 route"), "");
    lab.on_server("link set s0 up");
    // Once when it came, once in the summary, once now.
    drydock.expect_times("e0: 10.99.0.", 3);
}

#[test]
fn of_two_interfaces_the_one_with_a_carrier_is_used_and_the_better_one_takes_over() {
    let lab = Lab::new();
    lab.cable(0);
    lab.cable(1);
    lab.on_server("addr add 10.99.0.1/24 dev s0");
    lab.on_server("addr add 10.98.0.1/24 dev s1");
    lab.on_server("link set s1 up");
    let _server = lab.dnsmasq(&[RANGE, "--dhcp-range=10.98.0.50,10.98.0.60,255.255.255.0,2m"]);
    let mut drydock = lab.drydock(
        r#"{"interface":[{"name":"e0","ipv6":"off"},{"name":"e1","ipv6":"off"}]}"#,
        &["--watch", "600"],
    );
    drydock.expect("e1: 10.98.0.");
    assert!(lab.on_client("route get 192.0.2.1").contains("dev e1"));
    lab.on_server("link set s0 up");
    drydock.expect("e0: 10.99.0.");
    assert!(lab.on_client("route get 192.0.2.1").contains("dev e0"));
    lab.on_server("link set s0 down");
    drydock.expect("e0: the carrier is gone");
    assert!(lab.on_client("route get 192.0.2.1").contains("dev e1"));
}

#[test]
fn addresses_of_the_configuration_need_no_server() {
    let lab = Lab::wired();
    let _server = lab.dnsmasq(&["--host-record=up.example,10.99.0.9"]);
    let network = r#"{"dns":["10.99.0.1"],"interface":[{"name":"e0","ipv4":"static","ipv6":"static",
        "addresses":["10.99.0.7/24","fd00:99::7/64"],"gateways":["10.99.0.1","fd00:99::1"]}]}"#;
    let mut drydock = lab.drydock(network, &["--watch", "600", "up.example"]);
    drydock.expect("up.example: 10.99.0.9");
    drydock.expect("e0: 10.99.0.7/24, fd00:99::7/64\n");
    assert!(lab.on_client("-4 route").contains("default via 10.99.0.1 dev e0"));
    assert!(lab.on_client("-6 route").contains("default via fd00:99::1 dev e0"));
}

#[test]
fn an_interface_that_was_in_use_stays_so() {
    let lab = Lab::wired();
    lab.on_client("link set e0 up");
    lab.on_client("addr add 10.99.0.200/24 dev e0");
    let _server = lab.dnsmasq(&[RANGE]);
    let (ok, said) = lab.try_drydock(DHCP, &[]);
    assert!(ok, "{said}");
    let addresses = lab.on_client("-4 -br addr show e0");
    assert!(
        addresses.contains("10.99.0.200/24") && addresses.matches("10.99.0.").count() == 1,
        "{addresses}"
    );
    assert!(lab.on_client("link show e0").contains(",UP"));
}
