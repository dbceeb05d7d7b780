//! Names of hosts, without the C library's resolver, which a static program has no use for.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The most addresses of one name that are tried.
const MOST: usize = 16;
/// The longest answer over UDP that is read, in bytes.
const LONGEST: usize = 1500;
/// How long one server may take before the next one is asked.
const PATIENCE: Duration = Duration::from_secs(3);
/// `A` and `AAAA` (RFC 1035, 3.2.2; RFC 3596, 2.1).
const KINDS: [u16; 2] = [1, 28];

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
        let deadline = Instant::now() + limit;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        loop {
            for server in &servers {
                let left = deadline.saturating_duration_since(Instant::now()).min(PATIENCE);
                if left.is_zero() {
                    return Err(last);
                }
                match ask(SocketAddr::new(*server, 53), host, left) {
                    Ok(found) if !found.is_empty() => return Ok(found),
                    Ok(_) => return Err(io::ErrorKind::NotFound.into()),
                    Err(error) => last = error,
                }
            }
            if servers.is_empty() {
                return Err(last);
            }
        }
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

/// Asks one server for both kinds of addresses. Returns none where it knows of none.
fn ask(server: SocketAddr, host: &str, limit: Duration) -> io::Result<Vec<IpAddr>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    let mut found = Vec::new();
    for kind in KINDS {
        let mut id = [0; 2];
        // Without entropy the port alone has to do.
        let _ = crate::sys::random_at_once(&mut id);
        let question = question(id, host, kind).ok_or(io::ErrorKind::InvalidInput)?;
        socket.send(&question)?;
        let deadline = Instant::now() + limit;
        let mut buffer = [0; LONGEST];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            socket.set_read_timeout(Some(left))?;
            let count = socket.recv(&mut buffer)?;
            // Somebody else's, or a late one: the right one may still come.
            if let Some(answer) = answer(buffer.get(..count).unwrap_or_default(), &question) {
                match answer {
                    // Some servers refuse to speak of IPv6: what is known will do.
                    Err(_) if !found.is_empty() => {}
                    answer => found.extend(answer?),
                }
                break;
            }
        }
    }
    Ok(found)
}

/// A question (RFC 1035, 4.1), with recursion desired. `None`: the host can't be a name.
fn question(id: [u8; 2], host: &str, kind: u16) -> Option<Vec<u8>> {
    let mut packet = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in host.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        packet.push(length);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.push(0);
    packet.extend_from_slice(&kind.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    (packet.len() <= 12 + 255 + 4).then_some(packet)
}

/// The addresses in an answer to this question. `None`: it is no answer to it. An error: the server can't say.
fn answer(packet: &[u8], question: &[u8]) -> Option<io::Result<Vec<IpAddr>>> {
    let (head, mut rest) = packet.split_at_checked(12)?;
    let asked = question.get(12..)?;
    if head.get(..2) != question.get(..2) || head.get(2)? & 0x80 == 0 || !rest.starts_with(asked) {
        return None;
    }
    match head.get(3)? & 0x0f {
        0 => {}
        // There is no such name.
        3 => return Some(Ok(Vec::new())),
        _ => return Some(Err(io::ErrorKind::Other.into())),
    }
    rest = rest.get(asked.len()..)?;
    let kind = asked.get(asked.len().checked_sub(4)?..)?;
    let mut found = Vec::new();
    let count = u16::from_be_bytes([*head.get(6)?, *head.get(7)?]);
    for _ in 0..count {
        let Some((record, data, after)) = record(rest) else { break };
        if record == kind {
            let v4 = <[u8; 4]>::try_from(data).map(IpAddr::from);
            found.extend(v4.or_else(|_| <[u8; 16]>::try_from(data).map(IpAddr::from)));
        }
        rest = after;
    }
    found.truncate(MOST);
    Some(Ok(found))
}

/// Takes a record apart: its type and class, its data, and what follows.
fn record(mut rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    loop {
        let (length, after) = rest.split_first()?;
        match length {
            0 => {
                rest = after;
                break;
            }
            // A name's end that is elsewhere: where does not matter here.
            0xc0.. => {
                rest = after.get(1..)?;
                break;
            }
            length => rest = after.get(usize::from(*length)..)?,
        }
    }
    let (fixed, rest) = rest.split_at_checked(10)?;
    let length = u16::from_be_bytes([*fixed.get(8)?, *fixed.get(9)?]);
    let (data, rest) = rest.split_at_checked(usize::from(length))?;
    Some((fixed.get(..4)?, data, rest))
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

    #[test]
    fn a_server_is_asked_and_lies_are_passed_over() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            for _ in 0..2 {
                let mut buffer = [0; 512];
                let (count, from) = server.recv_from(&mut buffer).unwrap();
                let asked = &buffer[..count];
                let kind = asked[count - 3];
                let mut answer = asked.to_vec();
                answer[2] |= 0x80;
                answer[7] = 2;
                // An alias, and then the address.
                answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 3, 1, b'x', 0]);
                let data = if kind == 1 { vec![10, 0, 0, 9] } else { vec![0; 16] };
                answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 9, 0, data.len() as u8]);
                answer.extend(data);
                let mut other = answer.clone();
                other[0] ^= 1;
                server.send_to(&other, from).unwrap();
                server.send_to(&answer[..5], from).unwrap();
                server.send_to(&answer, from).unwrap();
            }
        });
        let found = ask(address, "updates.example", Duration::from_secs(20)).unwrap();
        thread.join().unwrap();
        assert_eq!(found, ["10.0.0.9".parse::<IpAddr>().unwrap(), "::".parse().unwrap()]);
    }

    #[test]
    fn any_bytes_are_an_answer_or_none() {
        let question = question([1, 2], "a.b", 1).unwrap();
        let mut good = question.clone();
        good[2] |= 0x80;
        good[7] = 1;
        good.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4]);
        assert_eq!(answer(&good, &question).unwrap().unwrap().len(), 1);
        for len in 0..good.len() {
            assert!(answer(&good[..len], &question).is_none_or(|found| found.unwrap().is_empty()), "{len}");
        }
        for (at, bit) in (0..good.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // That it returns is the promise.
            let _ = answer(&bad, &question);
        }
        let long = "x".repeat(64);
        assert!(super::question([0, 0], &long, 1).is_none() && super::question([0, 0], "a..b", 1).is_none());
    }
}
