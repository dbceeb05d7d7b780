//! IPv6 by what routers advertise: dnsmasq and radvd.

use crate::lab::Lab;

const AUTO: &str = r#"{"interface":[{"name":"e*","ipv4":"off"}]}"#;

fn wired() -> Lab {
    let lab = Lab::wired();
    lab.on_server("addr add fd00:99::1/64 dev s0 nodad");
    lab
}

#[test]
fn an_address_and_a_dns_server_come_from_the_routers_advertisements() {
    let lab = wired();
    let advertise = ["--enable-ra", "--dhcp-range=::,constructor:s0,ra-only"];
    let server = "--dhcp-option=option6:dns-server,[fd00:99::1]";
    let _server = lab.dnsmasq(&[advertise[0], advertise[1], server, "--host-record=up.example,fd00:99::9"]);
    let mut drydock = lab.drydock(AUTO, &["--watch", "600", "up.example"]);
    drydock.expect("up.example: fd00:99::9");
    let said = drydock.said();
    assert!(said.contains("e0: fd00:99::") && said.contains("DNS fd00:99::1\n"), "{said}");
    assert!(lab.on_client("-6 route").contains("default via fe80::"));
}

#[test]
fn a_dns_server_may_have_an_address_of_the_link_only_and_is_given_up_when_it_is_withdrawn() {
    let lab = wired();
    lab.on_server("addr add fe80::53/64 dev s0 nodad");
    let _dns = lab.dnsmasq(&["--host-record=up.example,fd00:99::9"]);
    let radvd = |lifetime: &str| {
        let config = format!(
            "interface s0 {{ AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix fd00:99::/64 {{}};
            RDNSS fe80::53 {{ AdvRDNSSLifetime {lifetime}; FlushRDNSS off; }}; }};"
        );
        let path = lab.file(&format!("radvd-{lifetime}"), &config);
        let pid = path.with_extension("pid");
        let arguments = ["-n", "-m", "stderr", "-C", path.to_str().unwrap(), "-p", pid.to_str().unwrap()];
        lab.serve("radvd", &arguments)
    };
    let router = radvd("600");
    let mut drydock = lab.drydock(AUTO, &["--watch", "600", "up.example"]);
    drydock.expect("up.example: fd00:99::9");
    drydock.expect("DNS fe80::53");
    drop(router);
    let _router = radvd("0");
    // The address stays, without the server.
    let alone = |said: &str| {
        said.lines().any(|line| line.starts_with("drydock: e0: fd00:99::") && line.ends_with("/64"))
    };
    while !alone(&drydock.said()) {
        drydock.expect("e0: fd00:99::");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn routers_that_give_no_address_are_told_apart_from_none() {
    let lab = wired();
    let config =
        "interface s0 { AdvSendAdvert on; AdvManagedFlag on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; };";
    let path = lab.file("radvd", config);
    let pid = path.with_extension("pid");
    let arguments = ["-n", "-m", "stderr", "-C", path.to_str().unwrap(), "-p", pid.to_str().unwrap()];
    let _router = lab.serve("radvd", &arguments);
    let network = r#"{"wait_seconds":8,"interface":[{"name":"e*","ipv4":"off"}]}"#;
    let (ok, said) = lab.try_drydock(network, &[]);
    assert!(!ok && said.contains("e0: the routers want DHCPv6, which drydock does not speak"), "{said}");
}

#[test]
fn an_interface_without_ipv6_takes_no_address_from_a_router() {
    let lab = wired();
    let advertise = ["--enable-ra", "--dhcp-range=::,constructor:s0,ra-only"];
    let _server = lab.dnsmasq(&[crate::addresses::RANGE, advertise[0], advertise[1]]);
    let mut drydock = lab.drydock(crate::addresses::DHCP, &["--watch", "600"]);
    drydock.expect("e0: 10.99.0.");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(lab.on_client("-6 addr show e0"), "");
}
