//! Agents against a server: the double of hawkBit, or a real one where the environment names its jar.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod documents;
mod faults;
mod flows;
mod proxy;
mod site;

use drydock_format::sha256;
use site::{Site, WORKSHOP};
use std::sync::LazyLock;

/// A bundle that no device takes: its security version is below all floors.
static FOREIGN: LazyLock<Vec<u8>> = LazyLock::new(|| WORKSHOP.bundle("9", 0, &WORKSHOP.images("3")));

/// A server with releases, and one that is not for the devices.
fn site() -> Site {
    let mut site = Site::new();
    // A server does not order a device to have a set that it has been ordered to have already.
    let second = WORKSHOP.version("2");
    site.push("2 again", &second.bundle, Some(sha256(&second.manifest)));
    site.push("foreign", &FOREIGN, None);
    site
}
