//! Names of hosts, without the C library's resolver, which a static program has no use for.

use crate::link;
use drydock_lan::dns::{Family, PORT};
use std::fmt::Debug;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The most addresses of one name that are tried.
const MOST: usize = 16;

/// A way to the addresses of a name.
pub trait Names: Debug + Send + Sync {
    /// Returns the addresses of a host, at least one, within that time.
    fn addresses(&self, host: &str, limit: Duration) -> io::Result<Vec<IpAddr>>;
}

/// The live system's way: what `/etc/hosts` says, and then the DNS servers that `/etc/resolv.conf` names.
#[derive(Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: &str, limit: Duration) -> io::Result<Vec<IpAddr>> {
        let known = in_hosts(&fs::read_to_string("/etc/hosts").unwrap_or_default(), host);
        if !known.is_empty() {
            return Ok(known);
        }
        let servers = nameservers(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
        let servers: Vec<_> = servers.into_iter().map(|server| SocketAddr::new(server, PORT)).collect();
        if servers.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let until = Instant::now().checked_add(limit);
        link::addresses(host, &servers, &[Family::V4, Family::V6], until).map_err(io::Error::other)
    }
}

fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let found = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    });
    found.collect()
}

fn nameservers(text: &str) -> Vec<IpAddr> {
    text.lines().filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok()).collect()
}

/// A way to addresses, as ureq asks for it.
#[derive(Clone, Debug)]
pub(super) struct ByNames(pub(super) Arc<dyn Names>);

impl Resolver for ByNames {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default);
        let addresses = match host.trim_matches(['[', ']']).parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let limit = timeout.not_zero().map_or(Duration::from_secs(60), |limit| *limit);
                self.0.addresses(host, limit).map_err(|_| ureq::Error::HostNotFound)?
            }
        };
        let mut resolved = self.empty();
        for address in addresses.into_iter().take(MOST) {
            resolved.push(SocketAddr::new(address, port));
        }
        match resolved.is_empty() {
            true => Err(ureq::Error::HostNotFound),
            false => Ok(resolved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_system_are_read() {
        let hosts = "127.0.0.1 localhost\n# 1.2.3.4 b\n10.0.0.7\tA.example b # c\nnonsense b\n::1 b\n";
        assert_eq!(in_hosts(hosts, "b"), ["10.0.0.7".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(in_hosts(hosts, "a.EXAMPLE").len(), 1);
        assert!(in_hosts(hosts, "c").is_empty());
        let resolv = "search x\nnameserver 10.0.2.3\nnameserver fe80::1%eth0\nnameserver  ::1 \n";
        assert_eq!(nameservers(resolv), ["10.0.2.3".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
    }
}
