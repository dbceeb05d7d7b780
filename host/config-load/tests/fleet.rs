//! What is wrong with `[fleet]` is said at its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Config, Reboot};
use drydock_config_load::load;

/// What is said of a configuration that begins with `start`, and has these lines in `[fleet]`; the file `ca.pem` is there.
fn read(start: &str, lines: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    for file in ["key.pem", "ca.pem"] {
        std::fs::write(folder.path().join(file), "PEM").unwrap();
    }
    let text = format!(
        "compatible = \"x\"\nsignatures.keys = [\"key.pem\"]\nlayout.bootloader = \"none\"\n{start}\n[[slot]]\nclass = \"root\"\nrole = \"root\"\n[fleet]\n{lines}\n"
    );
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    load(&path).map_err(|error| error.to_string())
}

const WITH_DATA: &str = "data.encrypted = false\nnetwork.ca = [\"ca.pem\"]";

#[test]
fn a_fleet_loads_and_survives_json() {
    let lines = r#"
        server = "https://fleet.example:8443/updates"
        tenant = "ACME"
        id_file = "lib/acme/serial"
        token_file = "/lib/acme/token"
        gateway_token_file = "lib/acme/gateway"
        artifact_hosts = ["cdn.example", "10.0.0.7"]
        poll_seconds = 60
        reboot = "in-window"
        window = "22:00-04:30"
        gate = ["/usr/bin/may-restart", "--now"]
        attributes = { board = "bbb", site = "s1" }
    "#;
    let config = read(WITH_DATA, lines).unwrap();
    let fleet = config.fleet.as_ref().unwrap();
    assert_eq!((fleet.reboot, fleet.attributes["site"].as_str()), (Reboot::InWindow, "s1"));
    assert_eq!(Config::from_json(&config.to_json().unwrap()).unwrap().fleet, config.fleet);
    for near in ["http://127.0.0.1:8080", "http://10.1.2.3", "http://192.168.7.1/x", "http://[::1]:8080"] {
        read(WITH_DATA, &format!("server = \"{near}\"")).unwrap();
    }
    let channel = "channel = \"http://cdn.example/stable.channel\"\nreport_to = \"https://r.example/x?y\"";
    read(WITH_DATA, channel).unwrap();
}

#[test]
fn what_is_wrong_is_said() {
    for (lines, why) in [
        ("", "a `server` or a `channel`, and not both"),
        (
            "server = \"https://a.example\"\nchannel = \"https://b.example/c\"",
            "a `server` or a `channel`, and not both",
        ),
        ("server = \"fleet.example\"", "is no address: it does not begin with https://"),
        ("server = \"http://fleet.example\"", "must begin with https://"),
        ("server = \"http://localhost:8080\"", "must begin with https://"),
        ("server = \"http://11.0.0.1\"", "must begin with https://"),
        ("server = \"https://a.example/?x\"", "must not have a query"),
        ("server = \"https://a.example\"\nreport_to = \"https://r.example\"", "belongs to a `channel`"),
        ("channel = \"https://c.example/c\"\nreport_to = \"http://r.example\"", "must begin with https://"),
        ("channel = \"https://c.example/c\"\ntoken_file = \"t\"", "belongs to a `server`"),
        ("server = \"https://a.example\"\ntenant = \"A/B\"", "must be 1 to 128 characters"),
        ("server = \"https://a.example\"\ntenant = \".x\"", "the first one no dot"),
        ("server = \"https://a.example\"\nid_file = \"../x\"", "must be the path of a file"),
        ("server = \"https://a.example\"\ntoken_file = \"\"", "must be the path of a file"),
        ("server = \"https://a.example\"\ngateway_token_file = \"a//b\"", "must be the path of a file"),
        ("server = \"https://a.example\"\nartifact_hosts = [\"cdn.example:443\"]", "without a port"),
        ("server = \"https://a.example\"\nartifact_hosts = [\"CDN.example\"]", "in lower case"),
        ("server = \"https://a.example\"\npoll_seconds = 9", "9 is out of range: 10 to 86400"),
        ("server = \"https://a.example\"\npoll_seconds = 86401", "86401 is out of range: 10 to 86400"),
        ("server = \"https://a.example\"\nreboot = \"in-window\"", "needs a `window`"),
        ("server = \"https://a.example\"\nwindow = \"22:00\"", "two times of a day"),
        ("server = \"https://a.example\"\nreboot = \"never\"", "unknown variant"),
        ("server = \"https://a.example\"\ngate = [\"\", \"x\"]", "must be a program"),
        ("server = \"https://a.example\"\nreboot_command = []", "must name a program"),
        ("server = \"https://a.example\"\nattributes = { \"\" = \"x\" }", "printable ASCII"),
        ("server = \"https://a.example\"\nattributes = { place = \"Köln\" }", "printable ASCII"),
        ("server = \"https://a.example\"\ncolour = 1", "unknown field"),
    ] {
        let said = read(WITH_DATA, lines).unwrap_err();
        assert!(said.contains(why), "{lines}: {said}");
    }
}

#[test]
fn there_are_limits() {
    let server = "server = \"https://a.example\"\n";
    let many = |count: usize| {
        let all: Vec<_> = (0..count).map(|number| format!("k{number} = \"v\"")).collect();
        format!("{server}attributes = {{ {} }}", all.join(", "))
    };
    read(WITH_DATA, &many(60)).unwrap();
    assert!(read(WITH_DATA, &many(61)).unwrap_err().contains("at most 60 attributes"));
    let long = |length: usize| format!("{server}attributes.k = \"{}\"", "v".repeat(length));
    read(WITH_DATA, &long(128)).unwrap();
    assert!(read(WITH_DATA, &long(129)).unwrap_err().contains("at most 128 characters"));
    let hosts = format!("{server}artifact_hosts = {:?}", vec!["a.example"; 17]);
    assert!(read(WITH_DATA, &hosts).unwrap_err().contains("at most 16 hosts"));
}

#[test]
fn a_fleet_needs_a_data_volume_an_authority_and_a_name() {
    let server = "server = \"https://a.example\"";
    for (start, why) in [
        ("network.ca = [\"ca.pem\"]", "there is no [data]"),
        ("data.encrypted = false", "add `network.ca`"),
        ("data.encrypted = false\nnetwork.ca = [\"ca.pem\"]\nboot.machine_id = false", "would have no name"),
    ] {
        let said = read(start, server).unwrap_err();
        assert!(said.contains(why), "{start}: {said}");
    }
}
