//! What must hold for `[lan]`. No I/O.

use crate::problems::Problems;
use drydock_config::Config;
use std::net::IpAddr;

/// The most names, and the most addresses to listen at.
const MOST: usize = 8;
/// The largest bundle that may be allowed, in MiB: 1 TiB.
const LARGEST: u64 = 1 << 20;

pub(crate) fn check_lan(config: &Config, problems: &mut Problems) {
    let Some(lan) = &config.lan else { return };
    problems.unless(
        config.service.is_some(),
        "lan",
        "the page lets people in as `[service]` says, which is missing: add one, with keys or with `access = \"open\"`",
    );
    problems.unless(
        !lan.recovery || !config.network.interfaces.is_empty(),
        "lan.recovery",
        "the recovery has no way into a network: add a [[network.interface]]",
    );
    problems.unless_within(u32::from(lan.port), 1, 65535, "lan.port");
    problems.unless(lan.listen.len() <= MOST, "lan.listen", "at most 8 addresses can be listened at");
    for (index, address) in lan.listen.iter().enumerate() {
        problems.unless(
            address.parse::<IpAddr>().is_ok(),
            format!("lan.listen.{index}"),
            "must be an address, as in 192.168.7.2 or fd00::2",
        );
    }
    problems.unless(lan.names.len() <= MOST, "lan.names", "at most 8 names can be answered to");
    for (index, name) in lan.names.iter().enumerate() {
        problems.unless(
            is_host(name),
            format!("lan.names.{index}"),
            "must be a host's name, as in pump-7.plant.example: its addresses are answered to anyway",
        );
    }
    let most = lan.upload_mib.0;
    problems.unless(most <= LARGEST, "lan.upload_mib", format!("{most} is out of range: 0 to {LARGEST}"));
}

/// Whether this is a host's name (RFC 1123), and no address.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}
