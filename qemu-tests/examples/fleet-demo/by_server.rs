//! A fleet behind a hawkBit server.

use crate::Demo;
use crate::pump::{Pump, gets_on};
use crate::watch::{expect, until};
use drydock_hawkbit::Operator;
use drydock_qemu_tests::demo::{Deltas, Kind, Made};
use drydock_qemu_tests::{Behind, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Which devices the rollout is for.
const FILTER: &str = "attribute.compatible==drydock-demo";

pub(crate) fn run(demo: &Demo<'_>) -> Result<(), Box<dyn Error>> {
    let transcript = demo.transcript;
    transcript.heading(
        "By a server: nginx knows the devices by their certificates, and hawkBit by what nginx says",
    );
    let hawkbit = drydock_hawkbit::Server::stock();
    let operator = hawkbit.operator();
    transcript.say(format_args!("   the server is {}, at {}", hawkbit.which(), hawkbit.url()));
    let certificates = demo.factory.certificates();
    operator.configure("authentication.header.enabled", json!(true));
    operator.configure("authentication.header.authority", json!(Server::authority(&certificates)?));
    operator.configure("pollingTime", json!("00:00:30"));
    let served = demo.dir.join("server-served");
    fs::create_dir_all(&served)?;
    let url = hawkbit.url();
    let nginx = Server::before(&served, &certificates, Behind { hawkbit: Some(&url), collector: None })?;
    let config = format!(
        "\n[boot]\nattempts = 2\n\n[fleet]\nserver = \"{}\"\nid_file = \"lib/drydock/id\"\nattributes = {{ site = \"north\" }}\n",
        nginx.address()
    );
    let made = demo.factory.make(&Kind { name: "server-", config: &config, deltas: Deltas::None })?;
    let pumps = demo.pumps.iter().map(|name| Pump::new(demo, &made, "server-", name));
    let mut pumps = pumps.collect::<Result<Vec<_>, _>>()?;

    transcript.heading("The devices are put into service: v1, from the disk as it was flashed");
    until("the devices tell the server what they are", &mut pumps, || {
        let known = operator.find(FILTER);
        Ok(demo.pumps.iter().all(|name| known.iter().any(|known| known == name)))
    })?;

    transcript.heading("The operator uploads v2, and rolls it out");
    let password = demo.dir.join("password");
    fs::write(&password, "admin:admin\n")?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
    let fleet = |words: &[&str]| -> Command {
        let mut command = demo.fleet(words);
        command.env("DRYDOCK_FLEET_SERVER", &url).env("DRYDOCK_FLEET_PASSWORD_FILE", &password);
        command
    };
    let show = |words: &[&str]| demo.show(&mut fleet(words));
    let key = demo.factory.key().with_extension("pub.pem");
    let [_, bundle] = &made.bundles;
    show(&["push", "--key", &key.to_string_lossy(), &bundle.to_string_lossy()])?;
    let version = made.releases[1].version;
    show(&["rollout", "v2 for all pumps", version, "--filter", FILTER, "--groups", "1", "--start"])?;
    // A real server takes some seconds to hand the orders out.
    until("the rollout reaches all devices", &mut pumps, || {
        Ok(demo.pumps.iter().all(|name| !operator.actions(name).is_empty()))
    })?;
    show(&["status"])?;

    transcript.heading("The devices carry it out, and the server is told");
    let mut heard = Heard { operator: &operator, counts: BTreeMap::new() };
    until("all devices have closed their orders", &mut pumps, || {
        for name in demo.pumps {
            for message in heard.news(name) {
                transcript.say(format_args!("   server | {name}: {message}"));
            }
        }
        Ok(demo.pumps.iter().all(|name| is_over(&operator, &made, name)))
    })?;

    transcript.heading("What the server says");
    show(&["status", "--messages", "all"])?;
    demo.pumps.iter().try_for_each(|name| check(&operator, &made, name))?;
    transcript.say("   The server's API says what should be: who has it, who has not, and why.");
    let served = nginx.served()?;
    transcript.say(format_args!("   nginx has passed on {served}"));
    Ok(())
}

/// What devices have told of their orders.
struct Heard<'o> {
    operator: &'o Operator,
    counts: BTreeMap<String, usize>,
}

impl Heard<'_> {
    /// What has come since.
    fn news(&mut self, device: &str) -> Vec<String> {
        let actions = self.operator.actions(device);
        let messages = |action: &Value| self.operator.messages(device, action["id"].as_u64().unwrap_or(0));
        let all: Vec<String> = actions.iter().flat_map(messages).collect();
        let count = self.counts.entry(device.into()).or_default();
        let news = all.iter().skip(*count).filter(|message| message.starts_with('[')).cloned().collect();
        *count = all.len();
        news
    }
}

/// What runs on a device in the end: the release, its set, and what became of the update.
fn wanted(made: &Made, device: &str) -> [(&'static str, String); 4] {
    let (release, set, last) = match gets_on(device) {
        true => (&made.releases[1], "b", "marked-good"),
        false => (&made.releases[0], "a", "rolled-back"),
    };
    [
        ("version", release.version.into()),
        ("set", set.into()),
        (if set == "a" { "set_a_root_hash" } else { "set_b_root_hash" }, release.root_hash.clone()),
        ("last_update", last.into()),
    ]
}

/// Whether a device has done what it was told, and has said so.
fn is_over(operator: &Operator, made: &Made, device: &str) -> bool {
    let actions = operator.actions(device);
    let attributes = operator.attributes(device);
    let closed = !actions.is_empty() && actions.iter().all(is_closed);
    closed && wanted(made, device).iter().all(|(key, value)| attributes.get(*key) == Some(value))
}

fn is_closed(action: &Value) -> bool {
    action["status"] == "finished" || action["active"] == false
}

/// Checks what the server shows of a device.
fn check(operator: &Operator, made: &Made, device: &str) -> Result<(), Box<dyn Error>> {
    let actions = operator.actions(device);
    let [action] = actions.as_slice() else {
        return Err(
            format!("{device} was told {} things, and should have been told one", actions.len()).into()
        );
    };
    let id = action["id"].as_u64().ok_or("an action has no number")?;
    let (last, began) = match gets_on(device) {
        true => ("finished", "[good] "),
        false => ("error", "[rolled-back] "),
    };
    let rows = operator.action_status(device, id);
    let ends = rows.iter().filter(|row| row["type"] == "finished" || row["type"] == "error");
    let ends: Vec<&Value> = ends.collect();
    let [end] = ends.as_slice() else {
        return Err(format!("{device} has closed its order {} times", ends.len()).into());
    };
    expect(&format!("how {device}'s order ended"), end["type"].as_str().unwrap_or_default(), last)?;
    let said = end["messages"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if !said.clone().any(|said| said.starts_with(began)) {
        return Err(format!("{device} has not said `{began}`: {:?}", said.collect::<Vec<_>>()).into());
    }
    let attributes = operator.attributes(device);
    for (key, value) in wanted(made, device) {
        let is = attributes.get(key).map_or("", String::as_str);
        expect(&format!("{device}'s attribute {key}"), is, &value)?;
    }
    Ok(())
}
