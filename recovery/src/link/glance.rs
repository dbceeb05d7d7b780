//! A glance at the interfaces: which there are, and what is connected to them.

use super::netlink::Netlink;
use super::seen;
use super::settings::Settings;
use crate::answer::Result;
use drydock_engine::machine::Link;
use std::thread;
use std::time::{Duration, Instant};

/// How long two ends may take to agree on how they talk.
const AGREE: Duration = Duration::from_secs(5);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(100);

/// Returns all interfaces. An interface that is off can't tell what is connected to it: it is switched on for at most five
/// seconds, without any address and without asking for one, and is as it was on return.
pub fn glance() -> Result<Vec<Link>> {
    let mut netlink = Netlink::open()?;
    let all = seen::all();
    let mut switched = Vec::new();
    for seen in all.iter().filter(|seen| !seen::is_up(&seen.name)) {
        let quiet = Settings::apply(&seen.name, false, false, 0);
        // One that can't be switched on has nothing connected to it.
        let _ = netlink.set_up(seen.index, true);
        switched.push((seen.index, quiet));
    }
    let deadline = Instant::now() + AGREE;
    while Instant::now() < deadline && !all.iter().all(|seen| seen::has_carrier(&seen.name)) {
        thread::sleep(LOOK);
    }
    let octets = |mac: drydock_lan::Mac| mac.map(|octet| format!("{octet:02x}")).join(":");
    let link = |seen: &seen::Seen| Link {
        name: seen.name.clone(),
        mac: octets(seen.mac),
        carrier: seen::has_carrier(&seen.name),
    };
    let links = all.iter().map(link).collect();
    for (index, _quiet) in switched {
        let _ = netlink.set_up(index, false);
    }
    Ok(links)
}
