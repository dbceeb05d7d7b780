//! What a server is told of a device, so that it can be asked for "all pumps with 1.4 whose last update was rolled back".

use crate::context::RunningSet;
use crate::machine::Machine;
use crate::release::of_set;
use drydock_config::Role;
use drydock_state::{Entry, Outcome, Record, SetName};

/// Returns the attributes: those that the configuration adds first, then drydock's own, which it can't replace.
pub(super) fn attributes(
    machine: &impl Machine,
    record: &Record,
    running: &RunningSet,
) -> Vec<(String, String)> {
    let config = machine.config();
    let mut all: Vec<(String, String)> = Vec::new();
    if let Some(fleet) = &config.fleet {
        all.extend(fleet.attributes.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let mut add = |key: &str, value: String| {
        all.retain(|(other, _)| other != key);
        all.push((key.to_owned(), value));
    };
    add("compatible", config.compatible.clone());
    add("version", running.version.clone());
    add("set", running.set.to_string());
    for set in SetName::BOTH {
        let info = record.sets.get(set);
        add(&format!("set_{set}_version"), info.version.clone());
        add(&format!("set_{set}_status"), info.status.to_string());
        add(&format!("set_{set}_security_version"), info.security_version.to_string());
        add(&format!("set_{set}_root_hash"), root_hash(machine, set).unwrap_or_default());
    }
    add("floor_install", record.floors.install.to_string());
    add("floor_boot", record.floors.boot.to_string());
    add("drydock", env!("CARGO_PKG_VERSION").into());
    add("bootloader", config.layout.bootloader.name().to_owned());
    add("degraded", running.degraded.to_string());
    let last = last_update(record);
    add("last_update", last.map_or("none".into(), |entry| entry.outcome.to_string()));
    add("last_update_version", last.map_or(String::new(), |entry| entry.version.clone()));
    add("last_update_reason", last.map_or(String::new(), |entry| entry.reason.clone()));
    all
}

/// The newest entry that says how an update has ended.
fn last_update(record: &Record) -> Option<&Entry> {
    record.history.iter().rev().find(|entry| {
        use Outcome::{Failed, MarkedBad, MarkedGood, RolledBack};
        matches!(entry.outcome, MarkedGood | RolledBack | Failed | MarkedBad)
    })
}

/// The root hash of the root slot of a set, if its trailer is signed.
fn root_hash(machine: &impl Machine, set: SetName) -> Option<String> {
    of_set(machine, set).ok()?;
    let class = machine.config().class_with_role(Role::Root)?;
    let release = crate::release::trusted_release(machine, class, set).ok()?;
    Some(release.image.root_hash.to_string())
}
