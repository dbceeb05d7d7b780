//! What `load` says of the network of the recovery, and where it points.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Config, Ipv4, Ipv6};
use drydock_config_load::{Error, load};

const START: &str = r#"compatible = "acme-pump"
signatures.keys = ["one.pem"]
slot = [{ class = "boot", role = "boot" }, { class = "root", role = "root" }]
"#;

fn load_text(network: &str) -> Result<Config, Vec<(usize, String)>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one.pem"), "x").unwrap();
    let path = folder.path().join("device.toml");
    std::fs::write(&path, format!("{START}{network}")).unwrap();
    load(&path).map_err(|error| match error {
        Error::Invalid(faults) => {
            faults.into_iter().map(|fault| (fault.place.unwrap().0, fault.message)).collect()
        }
        other => panic!("{other}"),
    })
}

#[track_caller]
fn refused(network: &str, line: usize, message: &str) {
    let faults = load_text(network).unwrap_err();
    assert_eq!(faults[0].0, line + 3, "{network}: {faults:?}");
    assert!(faults[0].1.contains(message), "{network}: {faults:?}");
}

#[test]
fn a_network_loads_and_survives_json() {
    let config = load_text(
        r#"
        [network]
        dns = ["192.168.7.1", "fd00::1"]
        [[network.interface]]
        name = "eth*"
        bus = "0000:00:03.0"
        [[network.interface]]
        mac = "02:00:00:00:00:07"
        vlan = 7
        ipv4 = "static"
        ipv6 = "off"
        addresses = ["192.168.7.2/24"]
        gateways = ["192.168.7.1"]
        "#,
    )
    .unwrap();
    let again = Config::from_json(&config.to_json().unwrap()).unwrap();
    assert_eq!(again.network, config.network);
    let [first, second] = &config.network.interfaces[..] else { panic!() };
    assert_eq!((first.ipv4, first.ipv6), (Ipv4::Dhcp, Ipv6::Auto));
    assert_eq!(second.addresses[0].to_string(), "192.168.7.2/24");
    assert!(load_text("").unwrap().network.interfaces.is_empty());
}

#[test]
fn values_are_checked() {
    refused("[network]\nwait_seconds = 1", 2, "5 to 3600");
    refused("[network]\ndns = [\"10.0.0.1\", \"dns.example\"]", 2, "IP address");
    refused("[network]\ndns = [\"127.0.0.1\"]", 2, "one machine");
    refused("[network]\ndns = [\"ff02::1\"]", 2, "one machine");
    let one = |line: &str| format!("[[network.interface]]\n{line}");
    refused(&one("match = \"eth0\""), 2, "unknown field `match`");
    refused(&one("name = \"eth 0\""), 2, "1 to 15 characters");
    refused(&one("name = \"abcdefghijk\"\nvlan = 1"), 2, "1 to 10 characters");
    refused(&one("mac = \"02:00:00:00:00\""), 2, "hardware address");
    refused(&one("mac = \"01:00:00:00:00:00\""), 2, "hardware address");
    refused(&one("mac = \"2:0:0:0:0:7\""), 2, "hardware address");
    refused(&one("bus = \"\""), 2, "/sys/devices");
    refused(&one("vlan = 0"), 2, "1 to 4094");
    refused(&one("vlan = 4095"), 2, "1 to 4094");
    refused(&one("ipv4 = \"none\""), 2, "unknown variant `none`");
    refused(&one("ipv4 = \"off\"\nipv6 = \"off\""), 1, "leads nowhere");
    refused(&one("\n[[network.interface]]"), 3, "never be used");
}

#[test]
fn addresses_and_gateways_belong_together() {
    let v4 = |lines: &str| format!("[[network.interface]]\nipv4 = \"static\"\n{lines}");
    let v6 = |lines: &str| format!("[[network.interface]]\nipv6 = \"static\"\n{lines}");
    refused(&v4(""), 2, "name the IPv4 address");
    refused(&v6("addresses = []"), 2, "name the IPv6 address");
    for wrong in ["10.0.0.1", "10.0.0.1/0", "10.0.0.1/33", "fd00::1/129", "10.0.0/8", "10.0.0.1/x"] {
        refused(&v4(&format!("addresses = [\"{wrong}\"]")), 3, "the length of its prefix");
    }
    for wrong in ["10.0.0.0/24", "10.0.0.255/24", "0.0.0.0/8", "127.0.0.1/8", "224.0.0.1/4"] {
        refused(&v4(&format!("addresses = [\"{wrong}\"]")), 3, "one machine can have");
    }
    refused(&v4("addresses = [\"10.0.0.2/24\", \"fd00::2/64\"]"), 3, "set `ipv6 = \"static\"`");
    refused("[[network.interface]]\naddresses = [\"10.0.0.2/24\"]", 2, "set `ipv4 = \"static\"`");
    let with = |gateways: &str| v4(&format!("addresses = [\"10.0.0.2/24\"]\ngateways = {gateways}"));
    refused(&with("[\"10.0.1.1\"]"), 4, "same network");
    refused(&with("[\"fd00::1\"]"), 4, "set `ipv6 = \"static\"`");
    refused(&with("[\"10.0.0.1\", \"10.0.0.3\"]"), 4, "already");
    refused(&with("[\"0.0.0.0\"]"), 4, "address of a router");
    load_text(&with("[\"10.0.0.1\"]")).unwrap();
    load_text(&v4("addresses = [\"10.0.0.2/31\"]\ngateways = [\"10.0.0.3\"]")).unwrap();
    load_text(&v6("addresses = [\"fd00::2/64\"]\ngateways = [\"fe80::1\"]")).unwrap();
}
