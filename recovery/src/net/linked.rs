//! The recovery's own network, for as long as a transfer lasts.

use super::names::Names;
use crate::link::Network;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Names as the servers of the recovery's network know them. While it lives the network is up; when the transfer is over, and
/// nobody else uses it, the interfaces are as they were.
#[derive(Debug)]
pub(super) struct LinkedNames(pub(super) Arc<Network>);

impl Names for LinkedNames {
    fn addresses(&self, host: &str, _limit: Duration) -> io::Result<Vec<IpAddr>> {
        // It keeps a limit of its own, which is shorter than any that is worth configuring.
        self.0.resolver().lookup(host).map_err(io::Error::other)
    }
}
