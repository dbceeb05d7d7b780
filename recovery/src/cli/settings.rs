//! Where a command finds the device's configuration.

use crate::pid1::read_config;
use drydock_config::Config;
use drydock_engine::Error;
use std::path::Path;

/// The configuration of this device.
pub(super) fn find_config() -> Result<Config, Error> {
    let config = ["/run/drydock/config.json", "/etc/drydock/config.json"].iter().map(Path::new);
    let config = config.into_iter().find(|path| path.exists()).ok_or_else(|| Error::Missing {
        what: "/run/drydock/config.json".into(),
        advice: "it is left by drydock's initramfs; with another one, install /etc/drydock/config.json"
            .into(),
    })?;
    read_config(config)
}
