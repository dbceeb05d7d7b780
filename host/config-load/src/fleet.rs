//! What must hold for `[fleet]`. No I/O.

use crate::problems::{Problems, is_word};
use crate::servers::check_file;
use drydock_config::{Config, Fleet, Reboot};
use drydock_transfer::Address;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest tenant, and the longest key or value of an attribute, in bytes: hawkBit takes no longer ones.
const LONGEST: usize = 128;
/// So many attributes are the integrator's: hawkBit takes 100 of one device, and drydock has some of its own.
const MOST_ATTRIBUTES: usize = 60;
/// So many hosts for bundles are enough for anybody.
const MOST_HOSTS: usize = 16;

/// Adds everything that is wrong with it.
pub(crate) fn check_fleet(config: &Config, problems: &mut Problems) {
    let Some(fleet) = &config.fleet else { return };
    problems.unless(
        fleet.server.is_some() != fleet.channel.is_some(),
        "fleet",
        "must have a `server` or a `channel`, and not both",
    );
    problems.unless(
        config.data.is_some(),
        "fleet",
        "what the agent fetches is kept on the data volume, and there is no [data]",
    );
    problems.unless(
        fleet.id_file.is_some() || config.boot.machine_id,
        "fleet",
        "the device would have no name: set `id_file`, or `boot.machine_id`",
    );
    check_places(config, fleet, problems);
    problems.unless(
        is_word(&fleet.tenant, LONGEST, "._-", true) && !fleet.tenant.starts_with('.'),
        "fleet.tenant",
        format!("must be 1 to {LONGEST} characters of A-Z a-z 0-9 . _ -, the first one no dot"),
    );
    for (key, file) in [
        ("id_file", &fleet.id_file),
        ("token_file", &fleet.token_file),
        ("gateway_token_file", &fleet.gateway_token_file),
    ] {
        let Some(file) = file else { continue };
        check_file(file, format!("fleet.{key}"), problems);
        problems.unless(
            key == "id_file" || fleet.server.is_some(),
            format!("fleet.{key}"),
            "belongs to a `server`: who follows a channel shows no token",
        );
    }
    problems.unless_within(fleet.poll_seconds.0, 10, 86_400, "fleet.poll_seconds");
    problems.unless(
        fleet.reboot != Reboot::InWindow || fleet.window.is_some(),
        "fleet.reboot",
        "needs a `window`, or the device would never restart",
    );
    check_program(&fleet.gate, "fleet.gate", problems);
    problems.unless(
        !fleet.reboot_command.is_empty(),
        "fleet.reboot_command",
        "must name a program: without one no update begins",
    );
    check_program(&fleet.reboot_command, "fleet.reboot_command", problems);
    check_attributes(fleet, problems);
}

/// The places that the agent asks, or reports to, and those that bundles may lie on.
fn check_places(config: &Config, fleet: &Fleet, problems: &mut Problems) {
    for (key, text) in
        [("server", &fleet.server), ("channel", &fleet.channel), ("report_to", &fleet.report_to)]
    {
        let Some(text) = text else { continue };
        let at = format!("fleet.{key}");
        let address = match Address::parse(text) {
            Ok(address) => address,
            Err(why) => {
                problems.unless(false, at, format!("is no address: {why}"));
                continue;
            }
        };
        let place = address.place();
        // A channel is signed, and says nothing of the device that reads it.
        problems.unless(
            place.secure || key == "channel" || is_near(&place.host),
            &at,
            "must begin with https://, so that nobody on the way sees or changes what is said; http:// only goes to addresses of the device itself and of private networks, as in http://10.0.0.1:8080",
        );
        problems.unless(
            !place.secure || !config.network.ca.is_empty(),
            &at,
            "the configuration names no authority for servers; add `network.ca`",
        );
        problems.unless(
            key != "server" || !text.contains('?'),
            &at,
            "must not have a query: the tenant and the device are added to it",
        );
    }
    problems.unless(
        fleet.report_to.is_none() || fleet.channel.is_some(),
        "fleet.report_to",
        "belongs to a `channel`: a server is told all the same",
    );
    let hosts = &fleet.artifact_hosts;
    problems.unless(hosts.len() <= MOST_HOSTS, "fleet.artifact_hosts", "at most 16 hosts");
    for (index, host) in hosts.iter().enumerate() {
        let good =
            Address::parse(&format!("https://{host}/")).is_ok_and(|address| address.place().host == *host);
        problems.unless(
            good,
            format!("fleet.artifact_hosts.{index}"),
            "must be a name or an address in lower case, without a port",
        );
    }
}

/// Whether this is the device itself, or an address of a private network (RFC 1918).
fn is_near(host: &str) -> bool {
    let inside = host.trim_matches(['[', ']']);
    host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback() || ip.is_private())
        || inside.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

fn check_program(words: &[String], at: &str, problems: &mut Problems) {
    let good = words.first().is_none_or(|program| !program.is_empty())
        && words.iter().all(|word| !word.contains('\0'));
    problems.unless(good, at, "must be a program and its arguments, each a string of its own");
}

fn check_attributes(fleet: &Fleet, problems: &mut Problems) {
    problems.unless(
        fleet.attributes.len() <= MOST_ATTRIBUTES,
        "fleet.attributes",
        format!("at most {MOST_ATTRIBUTES} attributes"),
    );
    let good = |text: &str| text.len() <= LONGEST && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    for (key, value) in &fleet.attributes {
        problems.unless(
            !key.is_empty() && good(key) && good(value),
            format!("fleet.attributes.{key}"),
            format!(
                "key and value must be printable ASCII, at most {LONGEST} characters each, and the key not empty: with one bad entry a server takes none"
            ),
        );
    }
}
