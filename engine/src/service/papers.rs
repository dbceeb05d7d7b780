//! What is taken away for the people at the other end of the phone: one tar with all that a device knows of itself, and no
//! secrets.

use crate::error::Error;
use crate::live::report;
use crate::machine::{Machine, Paper};
use crate::service::page::harmless;
use crate::service::scene::Scene;
use crate::state::{Seen, State};
use drydock_config::Config;
use drydock_format::tar::{self, Header};
use drydock_state::{UnixTime, log};
use serde_json::Value;

/// A document that is longer is cut to its end: what came last is what matters.
const LONGEST: usize = 1 << 20;
/// So many documents are taken.
const MOST: usize = 48;
/// What the value of a key with such a name is.
const SECRETS: [&str; 5] = ["password", "passphrase", "secret", "psk", "token"];

/// The name of the file that is left on a medium: of the kind of device, and the time by its clock.
pub fn support_file(compatible: &str, now: UnixTime) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let kind: String = compatible.chars().map(good).collect();
    format!("drydock-{}-{}.tar", harmless(&kind, 40), now.0)
}

/// Leaves the file on a medium. Returns what is to be told.
pub(super) fn leave(machine: &impl Machine, state: &State<'_>) -> Result<String, Error> {
    let (name, bytes) = made_now(machine, state);
    let place = machine.leave_on_medium(&name, &bytes)?;
    Ok(format!("{} KiB are in {place}; it can be pulled out.", bytes.len().div_ceil(1024)))
}

/// Sends the file over the line of the console that has asked for it. Returns what is to be told.
pub(super) fn send<M: Machine>(scene: &Scene<'_, M>, state: &State<'_>) -> Result<String, Error> {
    let console = scene.console()?;
    let (name, bytes) = made_now(scene.machine, state);
    let kib = bytes.len().div_ceil(1024);
    scene.say(&format!(
        "Receive {kib} KiB now, by ZMODEM: rz, or the menu of your terminal program.\nIt goes on by itself."
    ));
    scene.machine.send(console, &name, &bytes)?;
    Ok(format!("{kib} KiB were sent."))
}

/// The name of the file, and its bytes.
fn made_now(machine: &impl Machine, state: &State<'_>) -> (String, Vec<u8>) {
    let (record, counters, trust) = (state.record.clone(), state.counters(), state.trust().clone());
    let bytes = support_bundle(machine, &Seen { record, counters, trust });
    (support_file(&machine.config().compatible, machine.now()), bytes)
}

/// Returns the tar: status and history, what the last recovery told and what this one has, the configuration without its
/// secrets, and what the machine has to show besides. What can't be had is a document that says why.
pub fn support_bundle(machine: &impl Machine, seen: &Seen) -> Vec<u8> {
    let paper = |name: &str, text: Result<Vec<u8>, String>| Paper { name: name.into(), text };
    let status = serde_json::to_vec_pretty(&report::status(machine, seen, None));
    let kept = machine.partition("state").and_then(|state| Ok(log::read(&state)?));
    let mut papers = vec![
        paper("status.json", status.map_err(|error| error.to_string())),
        paper(
            "recovery.log",
            kept.map_err(|error| error.to_string()).and_then(|text| text.ok_or("none has run yet".into())),
        ),
        paper("events.log", Ok(machine.events().journal())),
        paper("config.json", without_secrets(machine.config())),
        paper("health.txt", Ok((machine.health().join("\n") + "\n").into_bytes())),
    ];
    papers.extend(machine.papers());
    let mut bytes = Vec::new();
    for paper in papers.iter().take(MOST) {
        let (name, text) = match &paper.text {
            Ok(text) => {
                (paper.name.clone(), text.get(text.len().saturating_sub(LONGEST)..).unwrap_or_default())
            }
            Err(why) => (format!("{}.missing", paper.name), why.as_bytes()),
        };
        let header = Header { name: harmless(&name, 80).replace(['/', ' '], "-"), size: text.len() as u64 };
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(text);
        bytes.resize(bytes.len().next_multiple_of(tar::BLOCK as usize), 0);
    }
    bytes.resize(bytes.len() + tar::END as usize, 0);
    bytes
}

/// The configuration as the device reads it. A configuration names files of secrets rather than secrets; what an address has
/// in front of its host goes, and so does whatever is called by the name of one.
fn without_secrets(config: &Config) -> Result<Vec<u8>, String> {
    let mut value: Value = serde_json::from_slice(&config.json).map_err(|error| error.to_string())?;
    cover(&mut value);
    serde_json::to_vec_pretty(&value).map_err(|error| error.to_string())
}

fn cover(value: &mut Value) {
    match value {
        Value::String(text) => {
            let user = text.split_once("://").and_then(|(scheme, rest)| {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                authority.rsplit_once('@').map(|(_, host)| format!("{scheme}://[covered]@{host}{path}"))
            });
            if let Some(covered) = user {
                *text = covered;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(cover),
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_secret = SECRETS.iter().any(|name| key.contains(name)) && !key.ends_with("_file");
                match value {
                    Value::String(text) if is_secret => *text = "[covered]".into(),
                    value => cover(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_of_a_configuration_is_shown() {
        let text = r#"{"proxy":"http://me:hush@proxy.example:80/x@y","token_file":"t","keys":["a@b"],
            "wifi":[{"psk":"hush","ssid":"net"}],"plain":"https://host/a@b"}"#;
        let mut value: Value = serde_json::from_str(text).unwrap();
        cover(&mut value);
        let text = value.to_string();
        assert!(!text.contains("hush") && !text.contains("me:"), "{text}");
        for kept in ["[covered]@proxy.example:80/x@y", "\"t\"", "a@b", "net", "https://host/a@b"] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
    }

    #[test]
    fn the_name_of_the_file_is_one_that_every_filesystem_takes() {
        assert_eq!(support_file("pump 7/\u{e4}", UnixTime(5)), "drydock-pump-7---5.tar");
        assert!(support_file(&"x".repeat(500), UnixTime(u64::MAX)).len() < 80);
    }
}
