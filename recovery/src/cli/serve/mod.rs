//! `drydock serve`: the page on the LAN, in the live system.

mod live;

use super::settings::find_config;
use crate::lan::{Limits, Page, announce, listeners};
use drydock_engine::Error;
use live::Live;
use std::io::Write;
use std::sync::Arc;

/// Serves the page until it is ended: SIGTERM does so at any moment, and takes nothing away but an upload that has not ended.
pub(super) fn run() -> Result<String, Error> {
    let config = find_config()?;
    let lan = config.lan.clone().ok_or_else(|| {
        Error::Unusable("the configuration has no `[lan]`; add one, and build the initramfs anew".into())
    })?;
    let at: Result<Vec<_>, _> = lan.listen.iter().map(|address| address.parse()).collect();
    let at = at.map_err(|_| Error::Unusable("lan.listen: not all of these are addresses".into()))?;
    let on = listeners(&at, lan.port)?;
    let office = Arc::new(Live::new(config)?);
    let page = Page::open(office, &lan.names, on, Limits::default())?;
    let mut lines = Vec::new();
    for at in &page.addresses {
        lines.push(format!("the page is at {at}"));
    }
    lines.extend(announce(&page.fingerprint));
    // Whoever has started it may not listen.
    let _ = std::io::stdout().write_all((lines.join("\n") + "\n").as_bytes());
    page.wait();
    Ok(String::new())
}
