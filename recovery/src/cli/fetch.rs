//! Fetching a bundle in the live system.

use crate::machine::Hardware;
use drydock_engine::Error;
use drydock_engine::fetch::Fetched;
use std::path::PathBuf;

/// Fetches what the device lacks of a bundle into a file, by default into the one that `stage` uses. Returns its path.
#[cfg(feature = "network")]
pub(super) fn to_file(
    machine: &Hardware<'_>,
    url: &str,
    to: Option<String>,
) -> Result<(PathBuf, Fetched), Error> {
    use crate::net::{self, Showing};
    use drydock_engine::fetch;
    use drydock_engine::machine::Setting;

    let config = machine.config();
    let path = match (to, &config.data) {
        (Some(path), _) => PathBuf::from(path),
        (None, Some(data)) => PathBuf::from(&data.mount).join(fetch::FETCHED),
        (None, None) => return Err(Error::Usage("there is no data volume to fetch to; use --to".into())),
    };
    let fetched = net::fetch(machine, url, &path, Showing::Certificate)?;
    Ok((path, fetched))
}

/// Without a network there is nothing to fetch from.
#[cfg(not(feature = "network"))]
pub(super) fn to_file(_: &Hardware<'_>, _: &str, _: Option<String>) -> Result<(PathBuf, Fetched), Error> {
    Err(Error::Usage(drydock_config::WITHOUT_NETWORK.into()))
}
