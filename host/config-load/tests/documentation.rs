//! `docs/config.md` and the types must tell the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_architecture::Architecture;
use drydock_config::{
    Access, BootReason, Bootloader, Condition, Config, Confirm, DataFailure, Handover, HookPlace, IfLocked,
    Ipv4, Ipv6, JobKind, Mib, Reboot, Role, Share, Unlock, Unreadable, View, WatchdogHandover, WipeHow,
};
use drydock_config_load::load;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn document() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md")).unwrap()
}

/// The tables' rows: key to default.
fn documented() -> BTreeMap<String, String> {
    let document = document();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        (cells[0].trim().trim_end_matches('`').to_owned(), cells[2].trim().trim_matches('`').to_owned())
    })
    .collect()
}

/// Every key of a serialised configuration: `slot[].class`.
fn keys(value: &Value, at: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(object) if !["layout.slot_mib", "fleet.attributes"].contains(&at) => {
            for (name, inner) in object {
                let dot = if at.is_empty() { "" } else { "." };
                keys(inner, &format!("{at}{dot}{name}"), found);
            }
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            for inner in elements {
                keys(inner, &format!("{at}[]"), found);
            }
        }
        _ => {
            found.insert(at.to_owned(), value.clone());
        }
    }
}

fn minimal() -> Config {
    let text = r#"
        compatible = "x"
        hardware = { kind = "dmi" }
        signatures.keys = ["k"]
        data.encrypted = true
        [[slot]]
        class = "root"
        role = "root"
        [[unlock]]
        kind = "initramfs"
        file = "k"
        [[unlock]]
        kind = "partition"
        label = "p"
        [[unlock]]
        kind = "medium"
        file = "k"
        [[unlock]]
        kind = "passphrase"
        [[wipe]]
        label = "logs"
        how = "zero"
        [[tree]]
        class = "app"
        [[network.interface]]
        [fleet]
        [service]
        [[service.key]]
        name = "n"
        key = "k"
        [lan]
        [[hook]]
        name = "h"
        at = "before-write"
        [[gate]]
        name = "g"
        require = { supply = {} }
        [[gate]]
        name = "g"
        require = { battery = { at_least_percent = 30 } }
        [[gate]]
        name = "g"
        require = { temperature = { chip = "c" } }
        [[gate]]
        name = "g"
        require = { free-space = { at_least_mib = 8 } }
        [[gate]]
        name = "g"
        require = { gpio = { chip = "c", line = 1, high = true } }
        [[gate]]
        name = "g"
        require = { file = { path = "/sys/x", is = "x" } }
        [[gate]]
        name = "g"
        require = { boot-reason = { not = [] } }
        [[gate]]
        name = "g"
        require = { clock = { not_before = "2026-01-01" } }
        [[gate]]
        name = "g"
        require = { window = { utc = "22:00-04:30" } }
    "#;
    toml::from_str(text).unwrap()
}

/// Every key of a configuration that has all there is, with its default.
fn types() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    keys(&serde_json::from_slice(&minimal().to_json().unwrap()).unwrap(), "", &mut found);
    found
}

#[test]
fn the_document_has_every_key_and_no_other() {
    let config = minimal();
    for unlock in &config.unlock {
        // A new kind does not compile until it is added above and here.
        match unlock {
            Unlock::Initramfs { .. }
            | Unlock::Partition { .. }
            | Unlock::Medium { .. }
            | Unlock::Passphrase { .. } => {}
        }
    }
    for gate in &config.gates {
        match gate.require {
            Condition::Supply { .. }
            | Condition::Battery { .. }
            | Condition::Temperature { .. }
            | Condition::FreeSpace { .. }
            | Condition::Gpio { .. }
            | Condition::File { .. }
            | Condition::BootReason { .. }
            | Condition::Clock { .. }
            | Condition::Window { .. } => {}
        }
    }
    let types: BTreeSet<_> = types().into_keys().collect();
    let document: BTreeSet<_> = documented().into_keys().collect();
    assert_eq!(types, document);
}

#[test]
fn the_document_tells_the_defaults() {
    let found = types();
    let mut compared = 0;
    for (key, default) in documented() {
        match default.as_str() {
            "" => {}
            "none" => assert!(found[&key].is_null(), "{key}"),
            "10` or `60" => assert_eq!(found[&key], 60, "{key}"),
            "{}" => assert_eq!(found[&key], serde_json::json!({}), "{key}"),
            json => {
                assert_eq!(found[&key], serde_json::from_str::<Value>(json).unwrap(), "{key}");
                compared += 1;
            }
        }
    }
    assert!(compared > 20, "only {compared} defaults were compared");
}

#[test]
fn the_document_names_every_value() {
    let roles =
        [Role::Boot, Role::Root, Role::Other, Role::Files, Role::Recovery].map(|v| serde_json::to_string(&v));
    let shares = [Share::Link, Share::Copy].map(|v| serde_json::to_string(&v));
    let failures = [DataFailure::Recovery, DataFailure::Temporary].map(|v| serde_json::to_string(&v));
    let handovers = [Handover::Reboot, Handover::SwitchRoot].map(|v| serde_json::to_string(&v));
    let loaders = [
        Bootloader::GrubBios,
        Bootloader::GrubEfi,
        Bootloader::UBoot,
        Bootloader::EfiBootGuard,
        Bootloader::None,
    ]
    .map(|v| serde_json::to_string(&v));
    let architectures = Architecture::ALL.map(|v| serde_json::to_string(&v));
    let locked = [IfLocked::Refuse, IfLocked::Erase].map(|v| serde_json::to_string(&v));
    let wipes = [WipeHow::Discard, WipeHow::Zero, WipeHow::Volume].map(|v| serde_json::to_string(&v));
    let dogs = [WatchdogHandover::Disarm, WatchdogHandover::Keep].map(|v| serde_json::to_string(&v));
    let ipv4 = [Ipv4::Dhcp, Ipv4::Static, Ipv4::Off].map(|v| serde_json::to_string(&v));
    let ipv6 = [Ipv6::Auto, Ipv6::Static, Ipv6::Off].map(|v| serde_json::to_string(&v));
    let reboots = [Reboot::AtOnce, Reboot::InWindow, Reboot::Ask].map(|v| serde_json::to_string(&v));
    let confirms = [Confirm::Ask, Confirm::Always].map(|v| serde_json::to_string(&v));
    let accesses = [Access::Keys, Access::Open].map(|v| serde_json::to_string(&v));
    let views = [View::Free, View::Keys].map(|v| serde_json::to_string(&v));
    let rows = document();
    let row =
        |key: &str| rows.lines().find(|line| line.starts_with(&format!("| `{key}`"))).unwrap().to_owned();
    for (key, values) in [
        ("slot[].role", roles.as_slice()),
        ("data.on_failure", &failures),
        ("recovery.handover", &handovers),
        ("factory_reset.if_locked", &locked),
        ("wipe[].how", &wipes),
        ("watchdog.handover", &dogs),
        ("layout.bootloader", &loaders),
        ("layout.architecture", &architectures),
        ("network.interface[].ipv4", &ipv4),
        ("network.interface[].ipv6", &ipv6),
        ("tree[].share", &shares),
        ("fleet.reboot", &reboots),
        ("fleet.confirm", &confirms),
        ("service.access", &accesses),
        ("service.view", &views),
    ] {
        for value in values {
            let quoted = format!("`{}`", value.as_ref().unwrap());
            assert!(row(key).contains(&quoted), "{key}: {quoted}");
        }
    }
}

#[test]
fn the_documents_example_loads() {
    let document = document();
    let example = document.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    for key in ["keys/release-1.pem", "keys/release-2.pem"] {
        std::fs::write(folder.path().join(key), "PEM").unwrap();
    }
    let path = folder.path().join("device.toml");
    std::fs::write(&path, example).unwrap();
    let config = load(&path).unwrap();
    assert_eq!(config.signatures.threshold, 2);
    assert_eq!(config.layout.slot_mib["root"], Mib(1024));
}

#[test]
fn the_document_names_every_value_of_hooks_and_gates() {
    let places = [
        HookPlace::BeforeWrite,
        HookPlace::AfterWrite,
        HookPlace::FirstGood,
        HookPlace::BeforeReset,
        HookPlace::AfterReset,
    ];
    for place in places {
        assert_eq!(serde_json::to_string(&place).unwrap(), format!("\"{place}\""));
    }
    let places = places.map(|v| serde_json::to_string(&v));
    let jobs = [JobKind::Update, JobKind::Reset, JobKind::Wipe].map(|v| serde_json::to_string(&v));
    let unreadable = [Unreadable::Refuse, Unreadable::Pass].map(|v| serde_json::to_string(&v));
    let reasons = [BootReason::Watchdog, BootReason::Panic].map(|v| serde_json::to_string(&v));
    for value in places.into_iter().chain(jobs).chain(unreadable).chain(reasons) {
        let value = value.unwrap();
        assert!(document().contains(&value), "{value}");
    }
}
