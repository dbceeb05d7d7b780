//! A test of the recovery's network: what it gives, and whether a server can be reached over it.

use crate::answer::Result;
use crate::link::Network;
use drydock_engine::Error;
use drydock_engine::event::Events;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// The ports that are tried where none is named: those of HTTPS and of HTTP.
const PORTS: [u16; 2] = [443, 80];
/// So many addresses of a server are tried.
const ADDRESSES: usize = 4;

/// Tells what a network that was brought up gives, and connects to a server: `host` or `host:port`.
pub fn reach(
    network: &Network,
    events: &dyn Events,
    server: Option<&str>,
    say: &mut dyn FnMut(String),
) -> Result<()> {
    for port in network.ports() {
        say(port.to_string());
    }
    let Some(server) = server else { return Ok(()) };
    let (host, port) = split(server);
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => network.resolver().lookup(host)?,
    };
    let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    say(format!("{host}: {}", shown.join(", ")));
    let ports = port.map_or(PORTS.to_vec(), |port| vec![port]);
    let mut last = None;
    for address in addresses.into_iter().take(ADDRESSES) {
        for port in &ports {
            events.allow(2 * ANSWER);
            let to = SocketAddr::new(address, *port);
            match TcpStream::connect_timeout(&to, ANSWER) {
                Ok(_) => {
                    say(format!("{to} answers"));
                    return Ok(());
                }
                Err(error) => last = Some((to, error)),
            }
        }
    }
    match last {
        Some((to, error)) => Err(Error::doing(format_args!("connect to {to}"))(error)),
        None => Err(Error::Unusable(format!("{host} has no address"))),
    }
}

/// A host, and the port that is named behind it; an address of IPv6 has colons of its own.
fn split(server: &str) -> (&str, Option<u16>) {
    match server.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (server, None),
        },
        _ => (server, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_server_may_have_a_port() {
        assert_eq!(split("a.example:8443"), ("a.example", Some(8443)));
        assert_eq!(split("a.example"), ("a.example", None));
        assert_eq!(split("fd00::1"), ("fd00::1", None));
        assert_eq!(split("a.example:x"), ("a.example:x", None));
    }
}
