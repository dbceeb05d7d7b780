//! What must hold for the part of `[network]` that servers are asked by. No I/O.

use crate::problems::Problems;
use drydock_config::{Config, Network};
use drydock_transfer::Address;

/// The largest PEM file with certificates of authorities, in bytes: it becomes a part of the configuration.
pub(crate) const MAX_CA: u64 = 256 << 10;

/// Adds everything that is wrong with it.
pub(crate) fn check_servers(config: &Config, problems: &mut Problems) {
    let network = &config.network;
    let Network { client_certificate, client_key, server_name, .. } = network;
    problems.unless(
        client_certificate.is_some() == client_key.is_some(),
        "network",
        "`client_certificate` and `client_key` belong together",
    );
    problems.unless(
        client_key.is_none() || config.data.is_some(),
        "network.client_key",
        "the file is on the data volume, and there is no [data]",
    );
    for (key, file) in [("client_certificate", client_certificate), ("client_key", client_key)] {
        if let Some(file) = file {
            check_file(file, format!("network.{key}"), problems);
        }
    }
    if let Some(name) = server_name {
        let good =
            Address::parse(&format!("https://{name}/")).is_ok_and(|address| address.place().host == *name);
        problems.unless(good, "network.server_name", "must be a name in lower case, without a port");
    }
    for (index, mirror) in network.mirrors.iter().enumerate() {
        let parsed = Address::parse(mirror);
        let why = parsed.as_ref().err().map(ToString::to_string).unwrap_or_default();
        problems.unless(parsed.is_ok(), format!("network.mirrors.{index}"), format!("is no address: {why}"));
        problems.unless(
            !mirror.contains('?'),
            format!("network.mirrors.{index}"),
            "must not have a query: the path of what is staged is added to it",
        );
    }
    if let Some(proxy) = &network.proxy {
        let parsed = Address::parse(proxy);
        let good = parsed.is_ok_and(|address| !address.place().secure && address.to_string().ends_with('/'))
            && !proxy.trim_start_matches("http://").trim_end_matches('/').contains('/');
        problems.unless(good, "network.proxy", "must be http://HOST:PORT");
    }
    problems.unless_within(network.tries, 1, 1000, "network.tries");
    problems.unless_within(network.pause_at_load, 0, 1000, "network.pause_at_load");
    for (key, seconds) in [
        ("resolve_seconds", network.resolve_seconds),
        ("connect_seconds", network.connect_seconds),
        ("answer_seconds", network.answer_seconds),
        ("stall_seconds", network.stall_seconds),
    ] {
        problems.unless_within(seconds.0, 1, 3600, format!("network.{key}"));
    }
}

/// Adds a problem, unless this can be the path of a file.
pub(crate) fn check_file(file: &str, at: String, problems: &mut Problems) {
    let good = !file.is_empty()
        && file.bytes().all(|byte| byte >= b' ')
        && file.trim_start_matches('/').split('/').all(|part| !matches!(part, "" | "." | ".."));
    problems.unless(good, at, "must be the path of a file, without `..`");
}
