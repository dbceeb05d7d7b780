//! Agents against a server: the double of hawkBit, or a real one where the environment names its jar.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod flows;
mod proxy;
mod site;

use drydock_format::sha256;
use site::{Site, WORKSHOP};

/// A server with releases, and one that is not for the devices.
fn site() -> Site {
    let mut site = Site::new();
    let images = WORKSHOP.images("3").to_vec();
    let foreign = WORKSHOP.bundle("9", 0, &images);
    // A server does not order a device to have a set that it has been ordered to have already.
    let second = WORKSHOP.version("2");
    site.push("2 again", &second.bundle, Some(sha256(&second.manifest)));
    site.push("foreign", &foreign, Some(sha256(&WORKSHOP.version("3").manifest)));
    site
}
